"""Lists the people behind a signal: who never received anything, and who opted out after the campaign."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased

from models.signals.figures import opted_out_condition
from models.tables.campaign import Campaign
from models.tables.contact import Contact
from models.tables.recipient import WRITTEN_TO, Recipient, RecipientState


class SignalPerson(NamedTuple):
    """A person of the campaign. `status` is the recipient's; `at` when they opted out."""

    recipient_id: int
    contact_id: int
    name: str
    phone: str | None
    status: str
    at: datetime | None


def never_received(session: Session, campaign: Campaign, after: int, limit: int) -> Sequence[SignalPerson]:
    """Whom this campaign wrote to in vain and no other campaign ever reached, in the order of recipients above `after`."""
    other = aliased(Recipient)
    is_reached = exists().where(
        other.contact_id == Recipient.contact_id, other.delivered_at.is_not(None) | other.read_at.is_not(None)
    )
    query = _people(campaign.id, after, limit).where(
        Recipient.state.in_((*WRITTEN_TO, RecipientState.REFUSED)),
        Recipient.status.in_(("sent", "failed")),
        ~is_reached,
    )
    return [_person(row, None) for row in session.execute(query)]


def opted_out(session: Session, campaign: Campaign, after: int, limit: int) -> Sequence[SignalPerson]:
    """Who opted out after they received this campaign, as its signal counts them, in the order of recipients above `after`."""
    condition = opted_out_condition(campaign)
    if condition is None:
        return ()
    query = _people(campaign.id, after, limit).where(condition)
    return [_person(row, row.consent_at) for row in session.execute(query)]


def _people(campaign_id: int, after: int, limit: int) -> Any:
    columns = (Contact.name, Contact.phone, Contact.raw_phone, Contact.wa_id, Contact.consent_at)
    return (
        select(Recipient.id, Recipient.contact_id, Recipient.status, *columns)
        .join(Contact, Contact.id == Recipient.contact_id)
        .where(Recipient.campaign_id == campaign_id, Recipient.id > after)
        .order_by(Recipient.id)
        .limit(limit)
    )


def _person(row: Any, at: datetime | None) -> SignalPerson:
    phone = row.phone or row.raw_phone or (f"+{row.wa_id}" if row.wa_id else None)
    return SignalPerson(row.id, row.contact_id, row.name, phone, row.status, at)
