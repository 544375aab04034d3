"""What a restriction stops, and what ends it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.campaigns.pause import lift_number
from models.events.account.restrictions import STOPS_NO_CAMPAIGN
from models.events.types import AccountChange
from models.tables.audit import Audit
from models.tables.campaign import Campaign, CampaignStatus, PauseReason
from models.tables.number import Number, WabaState
from tests.support.account_webhooks import TOLD_AT, after, apply, recorded
from tests.support.factories.campaigns import make_number
from tests.support.factories.common import NOW

UTILITY = ["UTILITY_TEMPLATE_ABUSE", "UTILITY_TEMPLATE_ABUSE_UNBAN", "UTILITY_TEMPLATE_ABUSE_RATE_LIMIT_RECOVERY"]
SECOND = "+1 555-078-9999"


def told(hours: float = 0, **value: Any) -> AccountChange:
    return replace(recorded("account_restriction", after(hours)), value={"event": "ACCOUNT_RESTRICTION"} | value)


def kinds(*names: str, **more: Any) -> list[dict[str, Any]]:
    return [{"restriction_type": name, "expiration": 1795946400} | more for name in names]


@pytest.fixture
def second(session: Session, number: Number) -> Number:
    other = make_number(session)
    other.waba_id, other.display_phone = number.waba_id, SECOND
    return other


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"restriction_info": []},
        {"restriction_info": None},
        *({"violation_info": {"violation_type": kind}} for kind in UTILITY),
        *({"restriction_info": kinds(kind)} for kind in sorted(STOPS_NO_CAMPAIGN)),
        {"restriction_info": kinds(*sorted(STOPS_NO_CAMPAIGN))},
        {"restriction_info": kinds("RESTRICTED_BIZ_INITIATED_MESSAGING", expiration="1641330498")},
    ],
)
def test_what_does_not_forbid_campaigns_stops_nothing_and_has_the_numbers_read(
    session: Session, number: Number, campaign: Campaign, value: dict[str, Any]
) -> None:
    result = apply(session, told(**value))
    assert (number.waba.state, number.stopped_at, campaign.status) == (WabaState.OK, None, CampaignStatus.ACTIVE)
    assert (result.numbers, result.templates_of) == ({number.id}, {number.waba_id})


@pytest.mark.parametrize(
    "value",
    [
        {"restriction_info": kinds("RESTRICTED_CUSTOMER_INITIATED_MESSAGING")},
        {"restriction_info": kinds("RESTRICTED_USER_INITIATED_CALLING", "RESTRICTED_BIZ_INITIATED_MESSAGING")},
        {"restriction_info": kinds("RESTRICTED_SOMETHING_NEW")[0]},
        {"restriction_info": [{"expiration": "1795946400"}]},
        {
            "restriction_info": kinds("RESTRICTED_BIZ_INITIATED_MESSAGING"),
            "violation_info": {"violation_type": UTILITY[0]},
        },
    ],
)
def test_a_restriction_of_messages_or_one_that_is_not_known_stops_the_account(
    session: Session, number: Number, campaign: Campaign, value: dict[str, Any]
) -> None:
    apply(session, told(**value))
    assert (number.waba.state, number.stopped_at) == (WabaState.RESTRICTED, NOW)
    assert (campaign.status, campaign.pause_reason) == (CampaignStatus.PAUSED, PauseReason.NUMBER_RESTRICTED)


def test_a_lifting_of_utility_says_nothing_about_a_restriction_of_messages_that_comes_late(
    session: Session, number: Number
) -> None:
    apply(session, told(2, violation_info={"violation_type": UTILITY[1]}))
    apply(session, told(1, restriction_info=kinds("RESTRICTED_BIZ_INITIATED_MESSAGING")))
    assert number.waba.state is WabaState.RESTRICTED
    apply(session, told(3, restriction_info=kinds("RESTRICTED_USER_INITIATED_CALLING")))
    assert number.waba.state is WabaState.RESTRICTED


def test_a_restriction_that_names_a_number_stops_that_one_alone(
    session: Session, number: Number, second: Number, campaign: Campaign
) -> None:
    event = told(restriction_info=kinds("RESTRICTED_BIZ_INITIATED_MESSAGING"), phone_number="15550789999")
    apply(session, event)
    assert (second.stopped_at, number.stopped_at, number.waba.state) == (NOW, None, WabaState.OK)
    assert campaign.status is CampaignStatus.ACTIVE
    assert apply(session, event).repeated == 1
    apply(session, replace(event, at=after(1), value=event.value | {"phone_number": number.display_phone}))
    assert (number.stopped_at, campaign.status) == (NOW, CampaignStatus.PAUSED)


def test_a_restriction_of_a_number_that_is_not_ours_stops_nothing(
    session: Session, number: Number, second: Number
) -> None:
    result = apply(
        session, told(restriction_info=kinds("RESTRICTED_BIZ_INITIATED_MESSAGING"), phone_number="4915100000000")
    )
    assert (number.stopped_at, second.stopped_at) == (None, None)
    assert result.numbers == {number.id, second.id}
    [line] = session.scalars(select(Audit).where(Audit.action == "account_update"))
    assert line.detail["number"] == "…"  # no number stands in the audit: who has this one is not known


def test_a_restricted_number_goes_on_once_meta_was_asked_and_a_late_event_does_not_stop_it_again(
    session: Session, number: Number, second: Number
) -> None:
    value: dict[str, Any] = {
        "restriction_info": kinds("RESTRICTED_BIZ_INITIATED_MESSAGING"), "phone_number": SECOND,
    }  # fmt: skip
    apply(session, told(**value))
    apply(session, told(1, **value | {"restriction_info": kinds("RESTRICTED_CUSTOMER_INITIATED_MESSAGING")}))
    assert "CUSTOMER" in (second.stopped_reason or "")
    assert not lift_number(session, second, after(1) - timedelta(seconds=1), NOW)
    assert lift_number(session, second, after(2), NOW)
    assert (second.stopped_at, second.stopped_reason) == (None, None)
    assert apply(session, told(0.5, **value)).numbers == {second.id}
    assert second.stopped_at is None
    apply(session, told(3, **value))
    assert second.stopped_at == NOW


def test_the_end_of_a_restriction_starts_no_number_that_was_stopped_for_another_reason(
    session: Session, number: Number
) -> None:
    number.stopped_at, number.stopped_reason = NOW, "The access token was refused."
    assert not lift_number(session, number, TOLD_AT, NOW)
    assert number.stopped_at == NOW
