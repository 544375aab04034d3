"""Finds and removes mentions of a person outside of their own rows: audiences, segments, the audit log, dead letters.

It searches for numbers, ids and e-mail addresses, never for names, which many people share.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import phonenumbers
from sqlalchemy import Text, and_, cast, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from models.audience.audience import without_contact
from models.contacts.aliases import RAW, WA, aliases_of, identifiers_of, merged_values_of
from models.db.dialect import NO_SYNC
from models.tables.audit import Audit
from models.tables.audit_chain import AuditSeal
from models.tables.campaign import Campaign
from models.tables.contact import Contact, ContactIdentity
from models.tables.conversation import Conversation, Message
from models.tables.recipient import Recipient
from models.tables.recipient_try import RecipientTry
from models.tables.segment import Segment
from models.tables.webhook_event import BASE64, DeadLetter, ParkedStatus, to_bytes

REDACTED = "redacted"
"""Replaces a number or id; it matches nobody."""
MIN_DIGITS = 7
"""Shorter numbers and ids are ignored: they occur anywhere."""
_NOT_DIGITS = re.compile(r"[^0-9]+")
_MASK = "…"


IsMention = Callable[[str], bool]
"""Returns whether a text mentions the person."""


@dataclass(frozen=True, slots=True)
class Mentions:
    """The identifiers of one person: the digits of current and earlier numbers, and ids and e-mail addresses in lower case."""

    numbers: frozenset[str]
    words: frozenset[str]
    national: frozenset[str] = frozenset()
    """The numbers without their calling codes, as a file or a log may have them; other people's may contain them."""

    def matches(self, text: str) -> bool:
        """Return whether the text contains one of them; the spelling of numbers does not matter."""
        folded, digits = text.casefold(), _NOT_DIGITS.sub("", text)
        return any(word in folded for word in self.words) or any(number in digits for number in self.numbers)

    def may_match(self, text: str) -> bool:
        """The same, also for a number without its calling code: for files, of which too much may go."""
        digits = _NOT_DIGITS.sub("", text)
        return self.matches(text) or any(number in digits for number in self.national)


def mentions_of(session: Session, contact: Contact) -> Mentions:
    """Return the identifiers of a contact, including its aliases and merged values."""
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
        frozenset(filter(None, map(_national, numbers))),
    )


def _national(digits: str) -> str | None:
    try:
        number = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return None
    national = phonenumbers.national_significant_number(number)
    return national if len(national) >= MIN_DIGITS else None


def wipe_audiences(session: Session, mentions: Mentions) -> None:
    """Remove the person from audiences that name them as a single contact; the audiences stay valid."""
    campaigns = select(Campaign.id, Campaign.audience).where(cast(Campaign.audience, Text).contains('"contact"'))
    for campaign_id, audience in session.execute(campaigns).all():
        redacted = audience
        for number in mentions.numbers:
            redacted = without_contact(redacted, f"+{number}")
        if redacted != audience:
            _run(session, update(Campaign).where(Campaign.id == campaign_id).values(audience=redacted))


def wipe_segments(session: Session, mentions: Mentions) -> None:
    """Redact conditions on the person's number: they stay, and match nobody."""
    for segment_id, rule in session.execute(select(Segment.id, Segment.rule)).all():
        redacted = _redact_json(rule, mentions)
        if redacted != rule:
            _run(session, update(Segment).where(Segment.id == segment_id).values(rule=redacted))


def wipe_audit(session: Session, contact_ids: Sequence[int], mentions: Mentions) -> None:
    """Redact details of entries that are not in the chain of the audit yet: those of a version before it, which named people.

    Action and actor stay. Entries about the person lose masked numbers too. Those in the chain name nobody, and are never changed.
    """
    about_contact = and_(Audit.object_type == "contact", Audit.object_id.in_([str(key) for key in contact_ids]))
    detail = cast(Audit.detail, Text)
    mentioning = [detail.ilike(f"%{_escaped(needle)}%", escape="\\") for needle in (*mentions.numbers, *mentions.words)]
    is_unsealed = ~exists().where(AuditSeal.audit_id == Audit.id)
    found = select(Audit.id).where(or_(about_contact, *mentioning), is_unsealed).order_by(Audit.id)
    # Locked first and asked again: whoever seals them locks them too.
    ids = session.scalars(found.with_for_update()).all()
    rows = session.execute(select(Audit.id, Audit.detail).where(Audit.id.in_(ids), is_unsealed)).all()
    for audit_id, original in rows:
        redacted = _redact_json(original, mentions, masks=True)
        if redacted != original:
            _run(session, update(Audit).where(Audit.id == audit_id).values(detail=redacted))


def wipe_parked_statuses(session: Session, contact_ids: Sequence[int], mentions: Mentions) -> None:
    """Delete parked statuses of the messages of these contacts, and those that mention the person."""
    status = cast(ParkedStatus.status, Text)
    conversation_ids = select(Conversation.id).where(Conversation.contact_id.in_(contact_ids))
    _run(
        session,
        delete(ParkedStatus).where(
            or_(
                ParkedStatus.wamid.in_(select(Recipient.wamid).where(Recipient.contact_id.in_(contact_ids))),
                ParkedStatus.wamid.in_(select(RecipientTry.wamid).where(RecipientTry.contact_id.in_(contact_ids))),
                ParkedStatus.wamid.in_(select(Message.wamid).where(Message.conversation_id.in_(conversation_ids))),
                *(
                    status.ilike(f"%{_escaped(needle)}%", escape="\\")
                    for needle in (*mentions.numbers, *mentions.words)
                ),
            )
        ),
    )


def wipe_dead_letters(session: Session, mentions: Mentions) -> None:
    """Remove the person's events from dead letters; the events of others stay. A payload that cannot be read is deleted."""
    needles = (*mentions.numbers, *mentions.words)
    mentioning = [DeadLetter.payload.ilike(f"%{_escaped(needle)}%", escape="\\") for needle in needles]
    may_mention = or_(DeadLetter.payload.startswith(BASE64), *mentioning)
    for letter_id in session.scalars(select(DeadLetter.id).where(may_mention).order_by(DeadLetter.id)).all():
        is_letter = DeadLetter.id == letter_id
        raw = to_bytes(session.scalar(select(DeadLetter.payload).where(is_letter)) or "")
        text = raw.decode(errors="replace").casefold()
        if not any(needle in text for needle in needles):
            continue
        remaining = without_person(raw, mentions.matches)
        if remaining is None:
            _run(session, delete(DeadLetter).where(is_letter))
        else:  # unless a replay applied it meanwhile and cleared the payload
            is_waiting = DeadLetter.replayed_at.is_(None)
            _run(session, update(DeadLetter).where(is_letter, is_waiting).values(payload=remaining.decode()))


def _redact_json(data: Any, mentions: Mentions, *, masks: bool = False, is_phone: bool = False) -> Any:
    """Return the JSON with `REDACTED` for each text that mentions the person or, with `masks`, contains a masked number."""
    if isinstance(data, dict):
        is_phone = is_phone or data.get("on") == "phone"
        return {key: _redact_json(value, mentions, masks=masks, is_phone=is_phone) for key, value in data.items()}
    if isinstance(data, list):
        return [_redact_json(value, mentions, masks=masks, is_phone=is_phone) for value in data]
    if not (isinstance(data, str) or is_phone):
        return data
    return REDACTED if mentions.matches(str(data)) or (masks and _MASK in str(data)) else data


def _escaped(part: str) -> str:
    return part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _run(session: Session, statement: Any) -> None:
    session.execute(statement, execution_options=NO_SYNC)


def without_person(raw: bytes, is_mention: IsMention) -> bytes | None:
    """Return the payload without the events that mention this person; None if nothing remains, or it cannot be read.

    An event is an item of a list in a change: a message, a status, a contact. A mention anywhere else removes the whole change, or
    the whole entry.
    """
    try:
        payload = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    entries = payload.get("entry") if isinstance(payload, dict) else None
    if not isinstance(entries, list):
        return None
    remaining_entries = [
        remaining
        for entry in entries
        if (remaining := _filter_list(entry, "changes", _filter_change, is_mention)) is not None
    ]
    remaining = payload | {"entry": remaining_entries}
    return None if not remaining_entries or _mentions_person(remaining, is_mention) else json.dumps(remaining).encode()


def _filter_change(change: Any, is_mention: IsMention) -> Any:
    """Return the change without the person's events; None if nothing remains."""
    if not (isinstance(change, dict) and isinstance(change.get("value"), dict)):
        return None if _mentions_person(change, is_mention) else change
    value = change["value"]
    filtered = _filter_events(value, is_mention)
    if filtered == value:
        return None if _mentions_person(change, is_mention) else change
    remaining = change | {"value": filtered}
    return remaining if _has_events(filtered) and not _mentions_person(remaining, is_mention) else None


def _filter_events(value: Mapping[str, Any], is_mention: IsMention) -> dict[str, Any]:
    """Return the object without the person's events in its lists, and in the lists of the objects in it (`standby`)."""
    events = {
        key: [item for item in items if not _mentions_person(item, is_mention)] for key, items in _lists(value).items()
    }
    inner = {
        key: _filter_events(part, is_mention) for key, part in value.items() if isinstance(part, dict) and _lists(part)
    }
    return {**value, **events, **inner}


def _has_events(value: Mapping[str, Any]) -> bool:
    return any(_lists(value).values()) or any(_has_events(part) for part in value.values() if isinstance(part, dict))


def _filter_list(parent: Any, key: str, redact_item: Callable[[Any, IsMention], Any], is_mention: IsMention) -> Any:
    """Return the object with what remains of each item of its list `key`; None if nothing remains."""
    if not (isinstance(parent, dict) and isinstance(parent.get(key), list)):
        return None if _mentions_person(parent, is_mention) else parent
    remaining_items = [remaining for item in parent[key] if (remaining := redact_item(item, is_mention)) is not None]
    remaining = parent | {key: remaining_items}
    return remaining if remaining_items and not _mentions_person(remaining, is_mention) else None


def _lists(value: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {key: items for key, items in value.items() if isinstance(items, list)}


def _mentions_person(data: Any, is_mention: IsMention) -> bool:
    """Return whether any key, text or number in the JSON mentions the person."""
    if isinstance(data, dict):
        return any(is_mention(str(key)) or _mentions_person(value, is_mention) for key, value in data.items())
    if isinstance(data, list):
        return any(_mentions_person(item, is_mention) for item in data)
    return isinstance(data, str | int) and not isinstance(data, bool) and is_mention(str(data))
