"""Opens and closes cases of contacts, whether or not they ever wrote. admin.operations.inbox does it for conversations."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.contacts.lookup import require_contact_with_phone
from models.conversations.cases import OpenedCase, close_case, open_case
from models.conversations.messages import conversations_of, drop_bot_messages
from models.errors import OperatorError
from models.stored_texts import TAKEN_OVER
from models.tables.audit import AuditAction, record_audit
from models.tables.contact import Contact


@retry_conflicts
def open_case_of(rt: Runtime, phone: str, actor: str, reason: str = "") -> int:
    """Open a case of the contact with this phone; return its id.

    Raises OperatorError if no contact has the phone or a case is open already.
    """
    now = utcnow()
    with rt.database.write() as session:
        contact = _get_contact(rt, session, phone)
        opened = open_and_record(session, contact.id, actor, now, reason=reason)
        if not opened.is_new:
            raise OperatorError("{phone}: case {opened_id} is open already", phone=phone, opened_id=opened.id)
        return opened.id


@retry_conflicts
def close_case_of(rt: Runtime, phone: str, actor: str) -> None:
    """Close the open case of the contact with this phone. Raises OperatorError if no contact has it or no case is open."""
    now = utcnow()
    with rt.database.write() as session:
        contact = _get_contact(rt, session, phone)
        if not close_and_record(session, contact.id, actor, now):
            raise OperatorError("{phone}: no case is open", phone=phone)


@retry_conflicts
def close_case_of_contact(rt: Runtime, contact_id: int, actor: str) -> None:
    """Close the open case of this contact, who need not have written. Raises OperatorError if none is open."""
    with rt.database.write() as session:
        if not close_and_record(session, contact_id, actor, utcnow()):
            raise OperatorError("No case is open.")


def open_and_record(session: Session, contact_id: int, actor: str, now: datetime, **details: Any) -> OpenedCase:
    """Open a case and record it in the audit; what bots have queued for the person is not sent. `details` as for `open_case`.

    Nothing is changed or recorded if a case is open already.
    """
    opened = open_case(session, contact_id, now, opened_by=actor, **details)
    if opened.is_new:
        drop_bot_messages(session, conversations_of(session, contact_id), TAKEN_OVER(), now)
        record_audit(session, now, actor, AuditAction.OPEN, "case", opened.id, contact=contact_id)
    return opened


def close_and_record(session: Session, contact_id: int, actor: str, now: datetime) -> bool:
    """Close the contact's open case and record it in the audit. False if none is open."""
    is_closed = close_case(session, contact_id, now, closed_by=actor)
    if is_closed:
        record_audit(session, now, actor, AuditAction.CLOSE, "case", contact_id, contact=contact_id)
    return is_closed


def _get_contact(rt: Runtime, session: Session, phone: str) -> Contact:
    return require_contact_with_phone(session, phone, rt.settings.default_country)
