"""Applies people's marketing preferences at Meta (docs/meta.md §7.8): a stop suppresses marketing, a resume lifts the stop.

A sign-up inside WhatsApp is recorded in the audit, but is no consent: Hark does not know what the person agreed to.
"""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.contacts.consent import resume_marketing, stop_marketing
from models.contacts.identity import Identity
from models.contacts.resolve import resolve_unless_erased
from models.events.account.update import AccountUpdate, bsuid_of, moment_of, wa_id_of
from models.tables.audit import AuditAction
from models.tables.number import Number, Waba

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
    change = {"stop": stop_marketing, "resume": resume_marketing}.get(value)
    if change is None or change(session, contact_id, at):
        update.audit(session, AuditAction(f"marketing_{value}"), "contact", contact_id, said_at=at.isoformat())


def _portfolio(session: Session, update: AccountUpdate) -> int:
    """Return the portfolio of the event's number, else of the account; BSUIDs are per portfolio."""
    metadata = update.value.get("metadata")
    number = metadata.get("phone_number_id") if isinstance(metadata, dict) else None
    portfolio_id = session.scalar(
        select(Waba.portfolio_id).join(Number, Number.waba_id == Waba.id).where(Number.phone_number_id == str(number))
    )
    return portfolio_id or update.waba.portfolio_id
