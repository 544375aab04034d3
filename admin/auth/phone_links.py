"""Gives users codes by which they link their phones for chat-ops, and unlinks phones."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from admin.auth.users import load_user
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.db.dialect import insert_into
from models.errors import OperatorError
from models.events.messages.link_codes import ALPHABET, CODE_LENGTH, normalize_code
from models.tables.audit import AuditAction, record_audit
from models.tables.number import Number
from models.tables.phone_link import LinkOutcome, PhoneLinkCode, link_code_hash

VALID_FOR = timedelta(minutes=10)
_GROUP = CODE_LENGTH // 2


@dataclass(frozen=True, slots=True)
class LinkCode:
    """A code of one use; `text` is shown once and not stored. `numbers` are those of ours that it may be sent to."""

    user_id: int
    email: str
    text: str
    expires_at: datetime
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PhoneLink:
    """A user's phone, and what came of the newest code; `waits_until` is set while a code may be sent."""

    phone: str | None
    linked_at: datetime | None
    waits_until: datetime | None
    outcome: LinkOutcome | None


@retry_conflicts
def create_link_code(rt: Runtime, user_id: int, actor: str) -> LinkCode:
    """Make a code for a user, which replaces an earlier one. Raises OperatorError if there is no such user, or not active."""
    now = utcnow()
    text = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    with rt.database.write() as session:
        user = load_user(session, user_id)
        if not user.is_active:
            raise OperatorError("{email} is kept out, and cannot link a phone", email=user.email)
        values = {
            "code_hash": link_code_hash(normalize_code(text)),
            "created_at": now,
            "expires_at": now + VALID_FOR,
            "used_at": None,
            "outcome": None,
        }
        statement = insert_into(session, PhoneLinkCode.__table__).values(user_id=user_id, **values)
        session.execute(statement.on_conflict_do_update(index_elements=["user_id"], set_=values))
        record_audit(session, now, actor, AuditAction.LINK_CODE, "user", user_id)
        numbers = session.scalars(select(Number.display_phone).where(Number.stopped_at.is_(None)).order_by(Number.id))
        shown = f"{text[:_GROUP]}-{text[_GROUP:]}"
        return LinkCode(user_id, user.email, shown, now + VALID_FOR, tuple(number for number in numbers if number))


@retry_conflicts
def unlink_phone(rt: Runtime, user_id: int, actor: str) -> None:
    """Take the phone from a user. Raises OperatorError if there is no such user, or they have none."""
    with rt.database.write() as session:
        user = load_user(session, user_id)
        if user.phone is None:
            raise OperatorError("{email} has no linked phone", email=user.email)
        user.phone = user.phone_verified_at = None
        record_audit(session, utcnow(), actor, AuditAction.UNLINK_PHONE, "user", user_id)


def phone_link_of(rt: Runtime, user_id: int) -> PhoneLink:
    """Return what is known of a user's phone. Raises OperatorError if there is no such user."""
    with rt.database.read() as session:
        user, code = load_user(session, user_id), session.get(PhoneLinkCode, user_id)
    is_waiting = code is not None and code.used_at is None and code.expires_at > utcnow()
    return PhoneLink(
        user.phone,
        user.phone_verified_at,
        code.expires_at if code is not None and is_waiting else None,
        code.outcome if code is not None else None,
    )
