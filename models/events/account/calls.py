"""Calls of people to our numbers: each opens the window as a message does (docs/meta.md §7.6). Nothing else of it is kept."""

from datetime import datetime

from sqlalchemy import case, or_, select
from sqlalchemy.orm import Session

from models.contacts.identity import Identity
from models.contacts.resolve import SOURCE, resolve_contact
from models.db.dialect import insert_into
from models.events.account.update import AccountUpdate, bsuid_of, meta_enum, moment_of, wa_id_of
from models.tables.audit import AuditAction
from models.tables.conversation import Conversation
from models.tables.number import Number


def calls(session: Session, told: AccountUpdate) -> None:
    """Whoever calls us may be answered for a day; a call of ours, or the end of one, opens nothing."""
    given = told.value.get("calls")
    number_id = _number_id(session, told)
    for item in given if isinstance(given, list) else []:
        if not isinstance(item, dict):
            continue
        at = moment_of(item.get("timestamp"))
        is_inbound = meta_enum(item.get("event")) == "CONNECT" and meta_enum(item.get("direction")) == "USER_INITIATED"
        wa_id, bsuid = wa_id_of(item.get("from")), bsuid_of(item.get("from_user_id"))
        if is_inbound and number_id is not None and at is not None and (wa_id or bsuid):
            identity = Identity(wa_id=wa_id, bsuid=bsuid, portfolio_id=told.waba.portfolio_id, at=at)
            contact_id = resolve_contact(session, identity, told.now, SOURCE)
            _open_window(session, contact_id, number_id, at, told.now)
            told.audit(
                session, AuditAction.CALL_RECEIVED, "contact", contact_id, number=number_id, called_at=at.isoformat()
            )
        else:
            event, direction = meta_enum(item.get("event")), meta_enum(item.get("direction"))
            told.audit(session, AuditAction.CALL_NOTICE, "waba", told.waba.id, event=event, direction=direction)


def _open_window(session: Session, contact_id: int, number_id: int, at: datetime, now: datetime) -> None:
    """By Meta's time, and never backwards."""
    table = Conversation.__table__
    row = {"contact_id": contact_id, "number_id": number_id, "last_inbound_at": at, "created_at": now}
    statement = insert_into(session, table).values(row)
    known, new = table.c.last_inbound_at, statement.excluded.last_inbound_at
    later = case((or_(known.is_(None), new > known), new), else_=known)
    session.execute(
        statement.on_conflict_do_update(index_elements=["contact_id", "number_id"], set_={"last_inbound_at": later})
    )


def _number_id(session: Session, told: AccountUpdate) -> int | None:
    metadata = told.value.get("metadata")
    named = metadata.get("phone_number_id") if isinstance(metadata, dict) else None
    mine = select(Number.id).where(Number.waba_id == told.waba.id, Number.phone_number_id == str(named))
    return session.scalar(mine)
