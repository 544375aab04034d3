"""Applies people's marketing preferences at Meta (docs/meta.md §7.8): a stop suppresses marketing, a resume lifts the stop.

A sign-up inside WhatsApp is recorded in the audit, but is no consent: Hark does not know what the person agreed to.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.contacts.consent import resume_marketing, stop_marketing
from models.contacts.identity import Identity
from models.contacts.resolve import resolve_unless_erased
from models.events.account.update import AccountUpdate, bsuid_of, moment_of, wa_id_of
from models.events.messages.attribution import attribute_moment
from models.results.opt_outs import CampaignOptOut, record_opt_outs
from models.tables.audit import AuditAction
from models.tables.number import Number, Waba
from models.tables.recipient_opt_out import OptOutWay

MARKETING = "marketing_messages"


def user_preferences(session: Session, update: AccountUpdate) -> None:
    """Apply each preference by its own time. An unknown person becomes a contact, so that the stop holds for later imports."""
    items = update.value.get("user_preferences")
    for item in items if isinstance(items, list) else []:
        if isinstance(item, dict):
            _apply(session, update, item)


def _apply(session: Session, update: AccountUpdate, item: dict[str, Any]) -> None:
    wa_id, bsuid, value = wa_id_of(item.get("wa_id")), bsuid_of(item.get("user_id")), item.get("value")
    if (
        not (wa_id or bsuid)
        or item.get("category") not in {MARKETING, None}
        or value not in {"stop", "resume", "signup"}
    ):
        update.audit(session, AuditAction.PREFERENCE_UNKNOWN, "waba", update.waba.id, value=str(value)[:40])
        return
    at = moment_of(item.get("timestamp")) or update.at
    identity = Identity(wa_id=wa_id, bsuid=bsuid, portfolio_id=_portfolio(session, update), at=at)
    contact_id = resolve_unless_erased(session, identity, update.now)
    if contact_id is None:
        return
    if value == "stop":
        _attribute_stop(session, update, contact_id, at)
    change = {"stop": stop_marketing, "resume": resume_marketing}.get(value)
    if change is None or change(session, contact_id, at):
        update.audit(session, AuditAction(f"marketing_{value}"), "contact", contact_id, said_at=at.isoformat())


def _attribute_stop(session: Session, update: AccountUpdate, contact_id: int, at: datetime) -> None:
    """Count the stop for the campaign that the person answers with it, if the event names the number that wrote to them."""
    number_id = session.scalar(select(Number.id).where(Number.phone_number_id == _phone_number_id(update)))
    recipient_id = attribute_moment(session, contact_id, number_id, at) if number_id is not None else None
    if recipient_id is not None:
        record_opt_outs(session, [CampaignOptOut(recipient_id, OptOutWay.WHATSAPP, at)])


def _phone_number_id(update: AccountUpdate) -> str:
    metadata = update.value.get("metadata")
    return str(metadata.get("phone_number_id")) if isinstance(metadata, dict) else ""


def _portfolio(session: Session, update: AccountUpdate) -> int:
    """Return the portfolio of the event's number, else of the account; BSUIDs are per portfolio."""
    portfolio_id = session.scalar(
        select(Waba.portfolio_id)
        .join(Number, Number.waba_id == Waba.id)
        .where(Number.phone_number_id == _phone_number_id(update))
    )
    return portfolio_id or update.waba.portfolio_id
