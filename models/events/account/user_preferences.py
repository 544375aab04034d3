"""People's own preferences at Meta: a marketing stop suppresses marketing, a resume lifts that and nothing else.

A sign-up inside WhatsApp is noted; it is no consent of ours, for nobody here can say what was asked.
"""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.contacts.consent import resume_marketing, stop_marketing
from models.contacts.identity import Identity
from models.contacts.resolve import SOURCE, resolve_contact
from models.events.account.update import AccountUpdate, bsuid_of, moment_of, wa_id_of
from models.tables.audit import AuditAction
from models.tables.number import Number, Waba

MARKETING = "marketing_messages"


def user_preferences(session: Session, told: AccountUpdate) -> None:
    """Each by its own time. A person whom we do not know yet is kept too, so that the stop holds when they come."""
    given = told.value.get("user_preferences")
    for item in given if isinstance(given, list) else []:
        if isinstance(item, dict):
            _apply(session, told, item)


def _apply(session: Session, told: AccountUpdate, item: dict[str, Any]) -> None:
    wa_id, bsuid, value = wa_id_of(item.get("wa_id")), bsuid_of(item.get("user_id")), item.get("value")
    if (
        not (wa_id or bsuid)
        or item.get("category") not in {MARKETING, None}
        or value not in {"stop", "resume", "signup"}
    ):
        told.audit(session, AuditAction.PREFERENCE_UNKNOWN, "waba", told.waba.id, value=str(value)[:40])
        return
    at = moment_of(item.get("timestamp")) or told.at
    identity = Identity(wa_id=wa_id, bsuid=bsuid, portfolio_id=_portfolio(session, told), at=at)
    contact_id = resolve_contact(session, identity, told.now, SOURCE)
    change = {"stop": stop_marketing, "resume": resume_marketing}.get(value)
    if change is None or change(session, contact_id, at):
        told.audit(session, AuditAction(f"marketing_{value}"), "contact", contact_id, said_at=at.isoformat())


def _portfolio(session: Session, told: AccountUpdate) -> int:
    """Of the number that the person meant; BSUIDs are per portfolio."""
    metadata = told.value.get("metadata")
    number = metadata.get("phone_number_id") if isinstance(metadata, dict) else None
    found = session.scalar(
        select(Waba.portfolio_id).join(Number, Number.waba_id == Waba.id).where(Number.phone_number_id == str(number))
    )
    return found or told.waba.portfolio_id
