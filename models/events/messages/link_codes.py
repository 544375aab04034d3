"""Takes the messages by which users link their phones for chat-ops: `/link CODE`.

Such a message is stored nowhere: it reaches no inbox, no bot flow and no count of replies. A right code links the phone that sent
it and is answered inside the window that it opened; a wrong one is counted and answered with nothing.
"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.characters import drop_ignorable
from models.db.dialect import NO_SYNC, insert_into
from models.events.types import InboundMessage
from models.privacy.retention import REPEATED_FOR
from models.tables.audit import AuditAction, record_audit
from models.tables.conversation import PurgedWamid, wamid_hash
from models.tables.phone_link import LinkOutcome, PhoneLinkCode, WrongLinkCode, link_code_hash
from models.tables.user import User

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: no letter that is read as another sign."""
CODE_LENGTH = 10
COUNTED_FOR = timedelta(hours=1)
MAX_WRONG_OF_SENDER = 5
"""Wrong codes of one sender in COUNTED_FOR; further codes of theirs do nothing, right or wrong."""
MAX_WRONG = 100
"""Those of all senders together."""

_LINK = re.compile(r"/link\s+(\S.*)", re.IGNORECASE | re.DOTALL)
_SEPARATORS = re.compile(r"[\s\-\u2010-\u2015]+")
_READ_AS = str.maketrans("OIL", "011")


@dataclass(slots=True)
class TakenCodes:
    """`rest` are the other messages; `used` those with a right code, each with its user's id."""

    rest: list[InboundMessage] = field(default_factory=list)
    used: list[tuple[InboundMessage, int]] = field(default_factory=list)
    taken: int = 0


def read_link_code(message_type: str, text: str | None) -> str | None:
    """Return the normalized code that a message carries, right or wrong; None if the message is no `/link` with a code.

    A single word after `/link` is a code, and so are several that have its length and signs together.
    """
    if message_type != "text" or not text:
        return None
    match = _LINK.fullmatch(unicodedata.normalize("NFKC", drop_ignorable(text)).strip())
    if match is None:
        return None
    code = normalize_code(match[1])
    is_one_word = len(match[1].split()) == 1
    return code if is_one_word or (len(code) == CODE_LENGTH and set(code) <= set(ALPHABET)) else None


def normalize_code(text: str) -> str:
    """Return a code as it is hashed: upper case, without separators, and with look-alike letters read as digits."""
    return _SEPARATORS.sub("", text).upper().translate(_READ_AS)


def take_link_codes(
    session: Session, messages: Sequence[InboundMessage], now: datetime, installation: str
) -> TakenCodes:
    """Take the messages with codes out of new ones. A right code is used up by this, whatever comes of it."""
    taken = TakenCodes()
    for message in messages:
        code = read_link_code(message.type, message.text)
        if code is None:
            taken.rest.append(message)
            continue
        taken.taken += 1
        user_id = _use(session, code, message, now, installation)
        if user_id is not None:
            taken.used.append((message, user_id))
    _keep_hashes(session, {message.wamid for message in messages} - {message.wamid for message in taken.rest}, now)
    return taken


def link_phone(session: Session, user_id: int, phone: str | None, now: datetime) -> LinkOutcome:
    """Link a phone (E.164, None where WhatsApp does not show it) to the user whose code it sent, and note what came of it."""
    outcome = LinkOutcome.PHONE_HIDDEN if phone is None else _link(session, user_id, phone, now)
    session.execute(
        update(PhoneLinkCode).where(PhoneLinkCode.user_id == user_id).values(outcome=outcome), execution_options=NO_SYNC
    )
    email = session.scalar(select(User.email).where(User.id == user_id)) or ""
    record_audit(session, now, email, AuditAction.LINK_PHONE, "user", user_id, outcome=outcome.value)
    return outcome


def purge_wrong_codes(session: Session, now: datetime, limit: int = 500) -> int:
    """Delete a slice of wrong codes that are not counted any more."""
    old = select(WrongLinkCode.id).where(WrongLinkCode.at < now - COUNTED_FOR).limit(limit)
    ids = session.scalars(old).all()
    if ids:
        session.execute(delete(WrongLinkCode).where(WrongLinkCode.id.in_(ids)), execution_options=NO_SYNC)
    return len(ids)


def _use(session: Session, code: str, message: InboundMessage, now: datetime, installation: str) -> int | None:
    """Use up a code and return its user's id; None if it is wrong, expired or used, or too many were wrong."""
    sender = message.sender.wa_id or message.sender.bsuid or ""
    sender_hash = hashlib.sha256(f"{installation}|{sender}".encode()).hexdigest()
    if _is_limited(session, sender_hash, now):
        return None
    is_active = select(User.id).where(User.is_active.is_(True))
    user_id = session.scalar(
        update(PhoneLinkCode)
        .where(
            PhoneLinkCode.code_hash == link_code_hash(code),
            PhoneLinkCode.used_at.is_(None),
            PhoneLinkCode.expires_at > max(now, message.at),
            PhoneLinkCode.user_id.in_(is_active),
        )
        .values(used_at=now)
        .returning(PhoneLinkCode.user_id),
        execution_options=NO_SYNC,
    )
    if user_id is None:
        session.add(WrongLinkCode(sender_hash=sender_hash, at=now))
        session.flush()
    return user_id


def _is_limited(session: Session, sender_hash: str, now: datetime) -> bool:
    is_counted = WrongLinkCode.at > now - COUNTED_FOR
    count: Any = select(func.count()).select_from(WrongLinkCode)
    if (session.scalar(count.where(is_counted, WrongLinkCode.sender_hash == sender_hash)) or 0) >= MAX_WRONG_OF_SENDER:
        return True
    return (session.scalar(count.where(is_counted)) or 0) >= MAX_WRONG


def _link(session: Session, user_id: int, phone: str, now: datetime) -> LinkOutcome:
    try:
        with session.begin_nested():
            session.execute(
                update(User).where(User.id == user_id).values(phone=phone, phone_verified_at=now),
                execution_options=NO_SYNC,
            )
    except IntegrityError:  # another user has this phone
        return LinkOutcome.PHONE_TAKEN
    return LinkOutcome.LINKED


def _keep_hashes(session: Session, wamids: set[str], now: datetime) -> None:
    """Meta may deliver a message again, which must not count twice."""
    rows = [{"hash": wamid_hash(wamid), "expires_at": now + REPEATED_FOR} for wamid in sorted(wamids)]
    if rows:
        statement = insert_into(session, PurgedWamid.__table__).on_conflict_do_nothing(index_elements=["hash"])
        session.execute(statement, rows)
