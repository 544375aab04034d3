"""What a person was known by before, and what their records said before two of them became one.

A former number or id leads to the person as long as nobody else is known to have it: who has it now goes first
everywhere, and takes it over for good. Whether words that come from a former number are the person's is decided in
models.contacts.resolve.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from models.contacts.phone import person_key
from models.db.dialect import insert_into
from models.tables.contact import Contact
from models.tables.contact_alias import FormerId, FormerKind, FormerValue

RAW, SHOP, WA = "raw:", "shop:", "wa:"
"""How the keys of a text that is no possible number, of a shop's customer, and of a number begin."""
CHUNK = 5_000
NO_SYNC = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class Known:
    """One thing that a record is found by: as a person reads it, and whether WhatsApp showed it."""

    shown: str
    was_whatsapp: bool = False


def known_by(contact: Contact) -> dict[str, Known]:
    """What stands on the record, by its key; BSUIDs stand in their own table."""
    found: dict[str, Known] = {}
    if contact.raw_phone:
        found[RAW + contact.raw_phone] = Known(contact.raw_phone)
    if contact.shopify_id:
        found[SHOP + contact.shopify_id] = Known(contact.shopify_id)
    if contact.phone:
        found[person_key(phone=contact.phone)] = Known(contact.phone)
    if contact.wa_id:
        key = person_key(wa_id=contact.wa_id)
        found[key] = Known(found[key].shown if key in found else f"+{contact.wa_id}", was_whatsapp=True)
    return found


def keep_ids(
    session: Session, contact_id: int, known: Mapping[str, Known], now: datetime, moved_at: datetime | None = None
) -> None:
    """Lead these keys to the person, unless another one has them now. `moved_at` goes onto those that WhatsApp showed."""
    taken = held_by_others(session, contact_id, known)
    rows = [
        {
            "contact_id": contact_id,
            "key": key,
            "shown": it.shown[:200],
            "was_whatsapp": it.was_whatsapp,
            "moved_at": moved_at if it.was_whatsapp else None,
            "created_at": now,
        }
        for key, it in sorted(known.items())
        if key not in taken
    ]
    if not rows:
        return
    statement = insert_into(session, FormerId.__table__)
    new = statement.excluded
    is_theirs = FormerId.contact_id == new.contact_id
    again = {
        "contact_id": new.contact_id,
        "moved_at": case((is_theirs, func.coalesce(new.moved_at, FormerId.moved_at)), else_=new.moved_at),
        "was_whatsapp": case((is_theirs & FormerId.was_whatsapp, True), else_=new.was_whatsapp),
    }
    session.execute(statement.on_conflict_do_update(index_elements=["key"], set_=again), rows)


def release_ids(session: Session, keys: Iterable[str]) -> None:
    """Somebody has these now: they lead to nobody else any more."""
    session.execute(delete(FormerId).where(FormerId.key.in_(sorted(keys))), execution_options=NO_SYNC)


def release_id(session: Session, contact_id: int, former_id: int) -> FormerId | None:
    """An operator says that it is not this person's any more. What it was; None where they have no such."""
    row = session.scalar(select(FormerId).where(FormerId.id == former_id, FormerId.contact_id == contact_id))
    if row is not None:
        session.execute(delete(FormerId).where(FormerId.id == former_id), execution_options=NO_SYNC)
    return row


def former_holders(session: Session, keys: Iterable[str]) -> dict[str, int]:
    """key → the person whom it leads to, where it leads to one. Ask only for what nobody has now."""
    wanted = sorted(set(keys))
    found: dict[str, int] = {}
    for start in range(0, len(wanted), CHUNK):
        rows = session.execute(
            select(FormerId.key, FormerId.contact_id).where(FormerId.key.in_(wanted[start : start + CHUNK]))
        )
        found |= {row.key: row.contact_id for row in rows}
    return found


def ids_of(session: Session, contact_id: int) -> list[FormerId]:
    """The person's, oldest first."""
    return list(session.scalars(select(FormerId).where(FormerId.contact_id == contact_id).order_by(FormerId.id)))


def values_of_person(session: Session, contact_id: int) -> list[FormerValue]:
    """What their records said before, oldest first."""
    mine = FormerValue.contact_id == contact_id
    return list(session.scalars(select(FormerValue).where(mine).order_by(FormerValue.id)))


def keep_values(
    session: Session, contact_id: int, values: Iterable[tuple[FormerKind, str, Any]], now: datetime
) -> None:
    """Keep (kind, name, value) as what was said before."""
    rows = [
        {"contact_id": contact_id, "kind": kind, "name": name[:100], "value": _text(value), "created_at": now}
        for kind, name, value in values
    ]
    if rows:
        session.execute(insert(FormerValue), rows)


def hand_over(session: Session, winner_id: int, loser_id: int) -> None:
    """What led to the loser of a merge, and what it had said before, is the winner's."""
    for table in (FormerId, FormerValue):
        session.execute(
            update(table).where(table.contact_id == loser_id).values(contact_id=winner_id), execution_options=NO_SYNC
        )


def forget_former(session: Session, contact_id: int) -> None:
    """All of it."""
    for table in (FormerId, FormerValue):
        session.execute(delete(table).where(table.contact_id == contact_id), execution_options=NO_SYNC)


def held_by_others(session: Session, contact_id: int, keys: Iterable[str]) -> set[str]:
    """Those of the keys that somebody else is known by now."""
    wanted = sorted(keys)
    digits = [key.removeprefix(WA) for key in wanted if key.startswith(WA)]
    if not wanted:
        return set()
    others = session.execute(
        select(Contact.person_key, Contact.wa_id, Contact.phone).where(
            or_(
                Contact.person_key.in_(wanted),
                Contact.wa_id.in_(digits),
                Contact.phone.in_([f"+{number}" for number in digits]),
            ),
            Contact.id != contact_id,
            Contact.merged_into_id.is_(None),
        )
    )
    held: set[str] = set()
    for row in others:
        held.add(row.person_key)
        held |= {person_key(wa_id=number) for number in (row.wa_id, row.phone) if number}
    return held & set(wanted)


def _text(value: Any) -> str:
    """As a file of contacts would say it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
