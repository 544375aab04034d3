"""What Meta says of numbers."""

import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.events.account.numbers import limit_of
from models.tables.audit import Audit
from models.tables.number import Number
from tests.support.account_webhooks import after, apply, recorded
from tests.support.factories.campaigns import make_number


@pytest.mark.parametrize(
    ("name", "action", "word"),
    [("number_throughput", "number_quality", "event"), ("number_name_approved", "number_name", "decision")],
)
def test_what_meta_says_of_a_number_that_we_do_not_know_is_noted_on_its_account(
    session: Session, number: Number, name: str, action: str, word: str
) -> None:
    make_number(session).waba_id = number.waba_id
    told = recorded(name)
    apply(session, replace(told, value=told.value | {"display_phone_number": "4915100000000"}))
    [line] = session.scalars(select(Audit).where(Audit.action == action))
    assert (line.object_type, line.object_id) == ("waba", str(number.waba_id))
    assert (line.detail["number"], line.detail[word]) == ("unknown", told.value[word])


@pytest.mark.parametrize("name", ["number_name_deferred", "number_name_pending"])
def test_a_name_that_is_not_decided_changes_nothing_and_has_the_number_read(
    session: Session, number: Number, name: str
) -> None:
    before = number.verified_name
    assert apply(session, name).numbers == {number.id}
    assert number.verified_name == before


@pytest.mark.parametrize(
    ("name", "limit"), [("number_upgrade", 100_000), ("number_flagged", 10_000), ("number_onboarding", 250)]
)
def test_older_words_about_a_number_tell_its_limit_and_have_it_read(
    session: Session, number: Number, name: str, limit: int
) -> None:
    assert apply(session, name).numbers == {number.id}
    assert (number.waba.portfolio.messaging_limit, number.throughput) == (limit, "STANDARD")


@pytest.mark.parametrize("field", ["business_username_updates", "business_username_update"])
@pytest.mark.parametrize("username", ["lucky.shrub_1", "luckyshrub", None])
def test_our_own_username_is_noted_whole_under_both_names_of_the_field(
    session: Session, number: Number, field: str, username: str | None
) -> None:
    told = recorded("username_approved")
    value = told.value | {"username": username, "context": "revoked"}
    apply(session, replace(told, field=field, value=value))
    [line] = session.scalars(select(Audit))
    assert (line.action, line.object_type, line.object_id) == ("number_username", "number", str(number.id))
    assert (line.detail.get("username"), line.detail["said"]["status"]) == (username, "approved")
    assert line.detail["said"]["context"] == "revoked"


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("security_pin_reset_request", {"event": "PIN_RESET_REQUEST"}),
        ("security_pin_request_success", {"event": "PIN_REQUEST_SUCCESS"}),
        ("username_reserved", {"said": {"username": "luckyshrub", "status": "reserved"}}),
        ("username_deleted", {"said": {"username": "luckyshrub", "status": "deleted"}}),
    ],
)
def test_what_only_an_operator_needs_to_know_is_a_line_at_the_number(
    session: Session, number: Number, name: str, detail: dict[str, Any]
) -> None:
    apply(session, name)
    line = session.scalars(select(Audit)).one()
    assert (line.object_type, line.object_id) == ("number", str(number.id))
    assert detail.items() <= line.detail.items()
    assert "61555822107539" not in json.dumps(line.detail)


def test_a_number_learns_its_throughput_and_its_name(session: Session, number: Number) -> None:
    result = apply(session, "number_throughput", "number_name_approved")
    assert (number.throughput, number.verified_name, result.numbers) == ("HIGH", "Lucky Shrub", {number.id})
    assert number.waba.portfolio.messaging_limit == -1
    apply(session, recorded("number_name_rejected", after(1)))
    assert number.verified_name == "Lucky Shrub"


def test_the_messaging_limit_follows_the_newest_word(session: Session, number: Number) -> None:
    portfolio = number.waba.portfolio
    apply(session, recorded("capability_number", after(2)))
    apply(session, recorded("capability_tier", after(1)))
    assert portfolio.messaging_limit == 10_000
    apply(session, recorded("capability_old", after(3)))
    assert portfolio.messaging_limit == -1
    apply(session, recorded("number_downgrade", after(4)))
    assert portfolio.messaging_limit == 10_000


@pytest.mark.parametrize(
    ("value", "limit"),
    [
        ("TIER_250", 250), ("TIER_2K", 2000), ("TIER_100K", 100_000), ("TIER_UNLIMITED", -1), (2000, 2000), (-1, -1),
        ("TIER_MOON", None), (0, None), (True, None), (None, None),
    ],
)  # fmt: skip
def test_a_limit_comes_as_a_tier_or_a_figure(value: Any, limit: int | None) -> None:
    assert limit_of(value) == limit


def test_an_unknown_tier_is_asked_for(session: Session, number: Number) -> None:
    unknown = recorded("capability_tier")
    result = apply(session, replace(unknown, value={"max_daily_conversations_per_business": "TIER_MOON"}))
    assert (number.waba.portfolio.messaging_limit, result.numbers) == (250, {number.id})
