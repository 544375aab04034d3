"""Where a person stands outside of their own rows: audiences, segments, the audit, payloads that could not be processed.

Numbers and ids are looked for, never names: a name is many people's.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Text, and_, cast, delete, or_, select, update
from sqlalchemy.orm import Session

from models.audience.audience import without_contact
from models.contacts.aliases import RAW, WA, aliases_of, identifiers_of, merged_values_of
from models.db.dialect import NO_SYNC
from models.tables.audit import Audit
from models.tables.campaign import Campaign
from models.tables.contact import Contact, ContactIdentity
from models.tables.conversation import Conversation, Message
from models.tables.recipient import Recipient
from models.tables.segment import Segment
from models.tables.webhook_event import BASE64, DeadLetter, ParkedStatus, to_bytes

REDACTED = "redacted"
"""What stands where a number stood: it is nobody's."""
MIN_DIGITS = 7
"""A shorter text is found anywhere, and names nobody."""
_NOT_DIGITS = re.compile(r"[^0-9]+")
_MASK = "…"


Names = Callable[[str], bool]
"""Whether a text names the person."""


@dataclass(frozen=True, slots=True)
class Mentions:
    """What names one person: digits of their numbers, now and before, and ids and e-mail addresses in lower case."""

    numbers: frozenset[str]
    words: frozenset[str]

    def matches(self, text: str) -> bool:
        """Whether the text holds one of them, however a number in it is spelled."""
        folded, digits = text.casefold(), _NOT_DIGITS.sub("", text)
        return any(word in folded for word in self.words) or any(number in digits for number in self.numbers)


def mentions_of(session: Session, contact: Contact) -> Mentions:
    """Of a contact as they stand now."""
    keys = {*identifiers_of(contact), *(row.key for row in aliases_of(session, contact.id))}
    texts = {contact.phone, contact.wa_id, contact.raw_phone, *(row.shown for row in aliases_of(session, contact.id))}
    texts |= {key.split(":", 1)[1] for key in keys if key.startswith((WA, RAW))}
    bsuids = session.scalars(select(ContactIdentity.bsuid).where(ContactIdentity.contact_id == contact.id))
    words = {contact.email, contact.shopify_id, *bsuids, *(key.split(":")[-1] for key in keys if key.startswith("bs:"))}
    words |= {row.value for row in merged_values_of(session, contact.id) if row.name == "email"}
    numbers = {_NOT_DIGITS.sub("", text) for text in texts if text}
    return Mentions(
        frozenset(number for number in numbers if len(number) >= MIN_DIGITS),
        frozenset(word.casefold() for word in words if word and len(word) >= MIN_DIGITS),
    )


def wipe_mentions(session: Session, contact_id: int, mentions: Mentions) -> None:
    """Take the person out of everything that is not theirs and names them."""
    _wipe_audiences(session, mentions.numbers)
    _wipe_segments(session, mentions)
    _wipe_audit(session, contact_id, mentions)
    _wipe_inbox(session, contact_id, mentions)


def _wipe_audiences(session: Session, numbers: Iterable[str]) -> None:
    """Campaigns that name the person as a single contact name them no longer, and can still be read."""
    naming = select(Campaign.id, Campaign.audience).where(cast(Campaign.audience, Text).contains('"contact"'))
    for campaign_id, audience in session.execute(naming).all():
        left = audience
        for number in numbers:
            left = without_contact(left, f"+{number}")
        if left != audience:
            _run(session, update(Campaign).where(Campaign.id == campaign_id).values(audience=left))


def _wipe_segments(session: Session, mentions: Mentions) -> None:
    """A condition on the person's number stays, and is true of nobody."""
    for segment_id, rule in session.execute(select(Segment.id, Segment.rule)).all():
        left = _without(rule, mentions)
        if left != rule:
            _run(session, update(Segment).where(Segment.id == segment_id).values(rule=left))


def _wipe_audit(session: Session, contact_id: int, mentions: Mentions) -> None:
    """What was done stays, with who did it. The lines on the person lose the ends of their numbers too."""
    merged = session.scalars(select(Contact.id).where(Contact.merged_into_id == contact_id)).all()
    mine = and_(Audit.object_type == "contact", Audit.object_id.in_([str(key) for key in (contact_id, *merged)]))
    detail = cast(Audit.detail, Text)
    naming = [detail.ilike(f"%{_escaped(needle)}%", escape="\\") for needle in (*mentions.numbers, *mentions.words)]
    for audit_id, found in session.execute(select(Audit.id, Audit.detail).where(or_(mine, *naming))).all():
        left = _without(found, mentions, masks=True)
        if left != found:
            _run(session, update(Audit).where(Audit.id == audit_id).values(detail=left))


def _wipe_inbox(session: Session, contact_id: int, mentions: Mentions) -> None:
    """Raw payloads that could not be processed lose what they say of this person; statuses that wait go where they name them."""
    needles = (*mentions.numbers, *mentions.words)
    _wipe_letters(session, mentions)
    status = cast(ParkedStatus.status, Text)
    talks = select(Conversation.id).where(Conversation.contact_id == contact_id)
    _run(
        session,
        delete(ParkedStatus).where(
            or_(
                ParkedStatus.wamid.in_(select(Recipient.wamid).where(Recipient.contact_id == contact_id)),
                ParkedStatus.wamid.in_(select(Message.wamid).where(Message.conversation_id.in_(talks))),
                *(status.ilike(f"%{_escaped(needle)}%", escape="\\") for needle in needles),
            )
        ),
    )


def _wipe_letters(session: Session, mentions: Mentions) -> None:
    """One payload may hold the events of a thousand people: theirs can be applied still. One that cannot be read goes whole."""
    needles = (*mentions.numbers, *mentions.words)
    named = [DeadLetter.payload.ilike(f"%{_escaped(needle)}%", escape="\\") for needle in needles]
    may_name = or_(DeadLetter.payload.startswith(BASE64), *named)
    for letter_id in session.scalars(select(DeadLetter.id).where(may_name).order_by(DeadLetter.id)).all():
        mine = DeadLetter.id == letter_id
        raw = to_bytes(session.scalar(select(DeadLetter.payload).where(mine)) or "")
        text = raw.decode(errors="replace").casefold()
        if not any(needle in text for needle in needles):
            continue
        left = without_person(raw, mentions.matches)
        if left is None:
            _run(session, delete(DeadLetter).where(mine))
        else:  # unless a replay applied it meanwhile, which takes the payload away
            waits = DeadLetter.replayed_at.is_(None)
            _run(session, update(DeadLetter).where(mine, waits).values(payload=left.decode()))


def _without(data: Any, mentions: Mentions, *, masks: bool = False, is_phone: bool = False) -> Any:
    """The same JSON with WIPED for every text that names the person, or, with `masks`, shows a number's ends."""
    if isinstance(data, dict):
        is_phone = is_phone or data.get("on") == "phone"
        return {key: _without(value, mentions, masks=masks, is_phone=is_phone) for key, value in data.items()}
    if isinstance(data, list):
        return [_without(value, mentions, masks=masks, is_phone=is_phone) for value in data]
    if not (isinstance(data, str) or is_phone):
        return data
    return REDACTED if mentions.matches(str(data)) or (masks and _MASK in str(data)) else data


def _escaped(part: str) -> str:
    return part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _run(session: Session, statement: Any) -> None:
    session.execute(statement, execution_options=NO_SYNC)


def without_person(raw: bytes, names: Names) -> bytes | None:
    """The payload without the events of this person. None where nothing else is in it, or it cannot be read.

    An event is an item of a list in a change (a message, a status, a contact). What names them anywhere else takes the change, or
    the entry, along.
    """
    try:
        payload = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    entries = payload.get("entry") if isinstance(payload, dict) else None
    if not isinstance(entries, list):
        return None
    kept = [
        left for entry in entries if (left := _holder_without(entry, "changes", _change_without, names)) is not None
    ]
    left = payload | {"entry": kept}
    return None if not kept or _says(left, names) else json.dumps(left).encode()


def _change_without(change: Any, names: Names) -> Any:
    """None where nothing is left of it."""
    if not (isinstance(change, dict) and isinstance(change.get("value"), dict)):
        return None if _says(change, names) else change
    value = change["value"]
    events = {key: [item for item in found if not _says(item, names)] for key, found in _lists(value).items()}
    if events == _lists(value):
        return None if _says(change, names) else change
    left = change | {"value": value | events}
    return left if any(events.values()) and not _says(left, names) else None


def _holder_without(holder: Any, key: str, part: Callable[[Any, Names], Any], names: Names) -> Any:
    """The same with what is left of each of its parts; None where there is none left."""
    if not (isinstance(holder, dict) and isinstance(holder.get(key), list)):
        return None if _says(holder, names) else holder
    kept = [left for item in holder[key] if (left := part(item, names)) is not None]
    left = holder | {key: kept}
    return left if kept and not _says(left, names) else None


def _lists(value: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {key: found for key, found in value.items() if isinstance(found, list)}


def _says(data: Any, names: Names) -> bool:
    """Whether any text or number in it names them."""
    if isinstance(data, dict):
        return any(names(str(key)) or _says(value, names) for key, value in data.items())
    if isinstance(data, list):
        return any(_says(item, names) for item in data)
    return isinstance(data, str | int) and not isinstance(data, bool) and names(str(data))
