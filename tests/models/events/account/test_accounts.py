"""What Meta says of whole accounts."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from models.campaigns.pause import lift_account
from models.tables.campaign import Campaign, CampaignStatus, PauseReason
from models.tables.number import Number, Waba, WabaState
from tests.support.account_webhooks import CHANGES, TOLD_AT, after, apply, recorded
from tests.support.factories.campaigns import make_number
from tests.support.factories.common import NOW


@pytest.mark.parametrize(
    "name",
    ["account_offboarded", "account_reconnected", "account_partner_removed", "account_partner_app_uninstalled"],
)
def test_an_account_that_goes_or_comes_back_has_its_numbers_read_again(
    session: Session, number: Number, name: str
) -> None:
    assert apply(session, name).numbers == {number.id}


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("account_violation", WabaState.RESTRICTED), ("account_restriction", WabaState.RESTRICTED),
        ("account_disable", WabaState.DISABLED), ("account_disable_scheduled", WabaState.RESTRICTED),
        ("account_deleted", WabaState.DISABLED), ("account_review_rejected", WabaState.RESTRICTED),
    ],
)  # fmt: skip
def test_an_account_that_is_taken_away_stops_its_numbers_and_campaigns(
    session: Session, number: Number, campaign: Campaign, name: str, state: WabaState
) -> None:
    apply(session, name)
    assert (number.waba.state, number.stopped_at) == (state, NOW)
    assert number.stopped_reason == number.waba.state_reason
    assert (campaign.status, campaign.pause_reason) == (CampaignStatus.PAUSED, PauseReason.NUMBER_RESTRICTED)


@pytest.mark.parametrize(
    "name",
    sorted(
        {name for name in CHANGES if name.startswith("account_")}
        - {
            "account_violation", "account_restriction", "account_disable", "account_disable_scheduled", "account_deleted",
            "account_review_rejected",
        }
    ),
)  # fmt: skip
def test_other_words_about_an_account_stop_nothing(
    session: Session, number: Number, campaign: Campaign, name: str
) -> None:
    apply(session, name)
    assert (number.waba.state, number.stopped_at, campaign.status) == (WabaState.OK, None, CampaignStatus.ACTIVE)


@pytest.mark.parametrize(
    "restriction",
    [
        {"restriction_type": "RESTRICTED_ADD_PHONE_NUMBER_ACTION"},
        {"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": 1641330498},
    ],
)
def test_a_restriction_that_is_over_or_touches_no_messages_stops_nothing(
    session: Session, number: Number, restriction: dict[str, Any]
) -> None:
    told = recorded("account_restriction")
    apply(session, replace(told, value=told.value | {"restriction_info": [restriction]}))
    assert (number.waba.state, number.stopped_at) == (WabaState.OK, None)


def test_a_reinstated_account_is_read_from_meta_and_nothing_resumes(
    session: Session, number: Number, campaign: Campaign
) -> None:
    apply(session, "account_disable")
    result = apply(session, recorded("account_reinstate", after(5)))
    assert (number.waba.state, number.stopped_at, campaign.status) == (WabaState.DISABLED, NOW, CampaignStatus.PAUSED)
    assert (result.numbers, result.templates_of) == ({number.id}, {number.waba_id})
    number.waba.state = WabaState.OK  # a GET confirmed it
    apply(session, recorded("account_disable", after(4)))
    assert number.waba.state is WabaState.OK


def test_an_account_goes_on_once_meta_was_asked_and_its_campaigns_wait_for_the_operator(
    session: Session, number: Number, campaign: Campaign
) -> None:
    other = make_number(session)
    other.waba_id, other.stopped_at, other.stopped_reason = number.waba_id, NOW, "The access token was refused."
    assert not lift_account(session, number.waba, NOW, NOW)
    apply(session, "account_restriction")
    assert lift_account(session, number.waba, NOW, NOW)
    session.flush()
    session.expire_all()
    assert (number.waba.state, number.stopped_at, other.stopped_at) == (WabaState.OK, None, NOW)
    assert campaign.status is CampaignStatus.PAUSED
    apply(session, recorded("account_violation", TOLD_AT - timedelta(hours=1)))
    assert number.waba.state is WabaState.OK


def test_a_second_restriction_takes_over_the_numbers_of_the_first_and_its_end_frees_them(
    session: Session, number: Number
) -> None:
    other = make_number(session)
    other.waba_id, other.stopped_at, other.stopped_reason = number.waba_id, NOW, "The access token was refused."
    apply(session, "account_violation")
    apply(session, recorded("account_restriction", after(1)))
    assert (number.stopped_at, number.stopped_reason) == (NOW, number.waba.state_reason)
    assert other.stopped_reason == "The access token was refused."
    assert lift_account(session, number.waba, after(2), NOW)
    session.flush()
    session.expire_all()
    assert (number.waba.state, number.stopped_at, number.stopped_reason) == (WabaState.OK, None, None)
    assert other.stopped_at == NOW


def test_what_meta_said_of_an_account_after_the_question_outlives_the_answer(session: Session, number: Number) -> None:
    apply(session, "account_restriction")
    assert not lift_account(session, number.waba, TOLD_AT - timedelta(seconds=1), NOW)
    assert (number.waba.state, number.stopped_at) == (WabaState.RESTRICTED, NOW)


@pytest.mark.parametrize(("minutes", "state"), [(-6, WabaState.OK), (-4, WabaState.RESTRICTED)])
def test_a_restriction_from_before_a_reading_that_says_available_stops_nothing(
    session: Session, number: Number, campaign: Campaign, minutes: int, state: WabaState
) -> None:
    assert not lift_account(session, number.waba, after(2), NOW)
    result = apply(session, recorded("account_violation", after(2) + timedelta(minutes=minutes)))
    assert (number.waba.state, campaign.status is CampaignStatus.ACTIVE) == (state, state is WabaState.OK)
    assert result.numbers == ({number.id} if state is WabaState.OK else set())


def test_signed_terms_are_stored_and_the_account_is_read_again(session: Session, number: Number) -> None:
    number.waba.marketing_read_at = NOW
    change = recorded("account_mm_lite_terms_signed")
    info = {"waba_id": number.waba.waba_id, "owner_business_id": "1"}
    apply(session, replace(change, waba_id="77", value={"event": "MM_LITE_TERMS_SIGNED", "waba_info": info}))
    waba = session.get_one(Waba, number.waba_id)
    assert waba.marketing_terms == "TERM_OF_SERVICE_SIGNED"
    assert waba.marketing_read_at is None


@pytest.mark.parametrize("info", [{}, {"waba_id": 7}, {"waba_id": ""}, [], "x", None])
def test_signed_terms_without_a_usable_account_are_those_of_the_webhook_s_own(
    session: Session, number: Number, info: Any
) -> None:
    change = recorded("account_mm_lite_terms_signed")
    apply(session, replace(change, value={"event": "MM_LITE_TERMS_SIGNED", "waba_info": info}))
    assert number.waba.marketing_terms == "TERM_OF_SERVICE_SIGNED"
