"""Campaigns with many people, for the tests of signals."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from models.sending.cohorts import cohorts_of
from models.signals.counting import count_campaign, store_count
from models.signals.read import CampaignSignals, read_signals
from models.tables.campaign import Campaign, CampaignOutcome, CampaignStatus, CampaignType
from models.tables.contact import Consent, Contact
from models.tables.recipient import NotSent, Recipient, RecipientState
from models.tables.signal import SignalCount, SignalKind
from tests.support.factories.campaigns import make_campaign, make_number, make_template
from tests.support.factories.common import NOW, next_serial

SENT_AT = NOW - timedelta(days=2)
"""When the messages left: more than a day ago, so that every share is judged."""
BUTTONS = [
    {"type": "BODY", "text": "Spring is here!"},
    {
        "type": "BUTTONS",
        "buttons": [{"type": "QUICK_REPLY", "text": "Show me"}, {"type": "QUICK_REPLY", "text": "Stop"}],
    },
]


def sent_campaign(session: Session, **values: Any) -> Campaign:
    """A real campaign whose last message left at SENT_AT, with a button to tap and one that opts out."""
    number = make_number(session)
    template = make_template(session, number, components=BUTTONS, opt_out_buttons=["1"])
    given: dict[str, Any] = {
        "status": CampaignStatus.ACTIVE,
        "outcome": CampaignOutcome.SENT,
        "type": CampaignType.PROMOTIONAL,
        "now": SENT_AT,
        "launched_at": SENT_AT,
        "last_sent_at": SENT_AT,
    }
    return make_campaign(session, number, template, **(given | values))


def add_people(session: Session, campaign: Campaign, number: int, **values: Any) -> list[Recipient]:
    """So many people who got the message and read it, unless `values` say something else of their recipients.

    `consent` and `contacts` (people who exist already) are of the contacts.
    """
    consent, contacts = values.pop("consent", Consent.SUBSCRIBED), values.pop("contacts", None)
    at: datetime = values.pop("at", SENT_AT)
    if contacts is None:
        contacts = [_contact(consent, at) for _ in range(number)]
        session.add_all(contacts)
        session.flush()
    given = {"state": RecipientState.ACCEPTED, "accepted_at": at, "delivered_at": at, "read_at": at} | values
    cohort_id = cohorts_of(session, campaign.id)[0].id
    rows = [
        Recipient(
            campaign_id=campaign.id,
            contact_id=one.id,
            person_key=one.person_key,
            cohort_id=cohort_id,
            source_values={},
            **given,
        )
        for one in contacts
    ]
    session.add_all(rows)
    session.flush()
    return rows


def add_failed(session: Session, campaign: Campaign, number: int, code: int) -> list[Recipient]:
    """People whose message Meta took and then failed with this code."""
    failed = {"delivered_at": None, "read_at": None, "failed_at": SENT_AT, "error_code": code, "error_msg": "Failed"}
    return add_people(session, campaign, number, **failed)


def add_left_out(session: Session, campaign: Campaign, number: int, reason: NotSent) -> list[Recipient]:
    """People who were left out."""
    nothing = dict.fromkeys(("accepted_at", "delivered_at", "read_at"))
    return add_people(session, campaign, number, state=RecipientState.NOT_SENT, reason=reason, **nothing)


def signals_of(session: Session, campaign: Campaign, now: datetime = NOW) -> CampaignSignals:
    """Count, store and read the signals of a campaign."""
    session.flush()
    count = count_campaign(session, campaign.id, now)
    assert count is not None
    store_count(session, count)
    session.expire_all()
    return read_signals(session, [campaign.id])[campaign.id]


def ended_count(session: Session, figures: dict[SignalKind, tuple[int, int]], **values: Any) -> SignalCount:
    """The stored count of a campaign that ended."""
    campaign = make_campaign(session, status=CampaignStatus.ENDED, ended_at=NOW, type=CampaignType.PROMOTIONAL)
    stored = {kind.value: {"part": part, "whole": whole, "values": {}} for kind, (part, whole) in figures.items()}
    given = {"type": CampaignType.PROMOTIONAL, "counted_at": NOW, "is_final": True} | values
    count = SignalCount(campaign_id=campaign.id, figures=stored, **given)
    session.add(count)
    session.flush()
    return count


def _contact(consent: Consent, at: datetime) -> Contact:
    phone = f"+346001{next_serial():05d}"
    return Contact(
        phone=phone, name="Someone", consent=consent, person_key=phone[1:], consent_at=at, created_at=at, updated_at=at
    )
