"""Applies calls of people to our numbers: each opens the 24-hour window as a message does (docs/meta.md §7.6)."""

from datetime import datetime

from sqlalchemy import case, or_, select
from sqlalchemy.orm import Session

from models.contacts.identity import Identity
from models.contacts.resolve import resolve_unless_erased
from models.db.dialect import insert_into
from models.events.account.update import AccountUpdate, bsuid_of, meta_enum, moment_of, wa_id_of
from models.tables.audit import AuditAction
from models.tables.conversation import Conversation
from models.tables.number import Number


def calls(session: Session, update: AccountUpdate) -> None:
    """Open the window of each person who calls. A call from us, or the end of a call, is only recorded in the audit."""
    items = update.value.get("calls")
    number_id = _number_id(session, update)
    for item in items if isinstance(items, list) else []:
        if not isinstance(item, dict):
            continue
        at = moment_of(item.get("timestamp"))
        is_inbound = meta_enum(item.get("event")) == "CONNECT" and meta_enum(item.get("direction")) == "USER_INITIATED"
        wa_id, bsuid = wa_id_of(item.get("from")), bsuid_of(item.get("from_user_id"))
        if is_inbound and number_id is not None and at is not None and (wa_id or bsuid):
            identity = Identity(wa_id=wa_id, bsuid=bsuid, portfolio_id=update.waba.portfolio_id, at=at)
            contact_id = resolve_unless_erased(session, identity, update.now)
            if contact_id is None:
                continue
            _open_window(session, contact_id, number_id, at, update.now)
            update.audit(
                session, AuditAction.CALL_RECEIVED, "contact", contact_id, number=number_id, called_at=at.isoformat()
            )
        else:
            event, direction = meta_enum(item.get("event")), meta_enum(item.get("direction"))
            update.audit(session, AuditAction.CALL_NOTICE, "waba", update.waba.id, event=event, direction=direction)


def _open_window(session: Session, contact_id: int, number_id: int, at: datetime, now: datetime) -> None:
    """Set the time of the last inbound event to Meta's time, never to an earlier one."""
    table = Conversation.__table__
    row = {"contact_id": contact_id, "number_id": number_id, "last_inbound_at": at, "created_at": now}
    statement = insert_into(session, table).values(row)
    stored, new = table.c.last_inbound_at, statement.excluded.last_inbound_at
    later = case((or_(stored.is_(None), new > stored), new), else_=stored)
    session.execute(
        statement.on_conflict_do_update(index_elements=["contact_id", "number_id"], set_={"last_inbound_at": later})
    )


def _number_id(session: Session, update: AccountUpdate) -> int | None:
    metadata = update.value.get("metadata")
    phone_number_id = metadata.get("phone_number_id") if isinstance(metadata, dict) else None
    query = select(Number.id).where(Number.waba_id == update.waba.id, Number.phone_number_id == str(phone_number_id))
    return session.scalar(query)
