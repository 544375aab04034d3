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

from models.contacts.person_key import person_key
from models.db.dialect import NO_SYNC, insert_into
from models.tables.contact import Contact
from models.tables.contact_alias import AliasKind, ContactAlias, MergedValue

RAW, SHOP, WA = "raw:", "shop:", "wa:"
"""How the keys of a text that is no possible number, of a shop's customer, and of a number begin."""
CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class KnownIdentifier:
    """One thing that a record is found by: as a person reads it, and whether WhatsApp showed it."""

    shown: str
    was_whatsapp: bool = False


def identifiers_of(contact: Contact) -> dict[str, KnownIdentifier]:
    """What stands on the record, by its key; BSUIDs stand in their own table."""
    found: dict[str, KnownIdentifier] = {}
    if contact.raw_phone:
        found[RAW + contact.raw_phone] = KnownIdentifier(contact.raw_phone)
    if contact.shopify_id:
        found[SHOP + contact.shopify_id] = KnownIdentifier(contact.shopify_id)
    if contact.phone:
        found[person_key(phone=contact.phone)] = KnownIdentifier(contact.phone)
    if contact.wa_id:
        key = person_key(wa_id=contact.wa_id)
        found[key] = KnownIdentifier(found[key].shown if key in found else f"+{contact.wa_id}", was_whatsapp=True)
    return found


def add_aliases(
    session: Session,
    contact_id: int,
    known: Mapping[str, KnownIdentifier],
    now: datetime,
    moved_at: datetime | None = None,
) -> None:
    """Lead these keys to the person, unless another one has them now. `moved_at` goes onto those that WhatsApp showed."""
    taken = aliases_held_by_others(session, contact_id, known)
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
    statement = insert_into(session, ContactAlias.__table__)
    new = statement.excluded
    is_theirs = ContactAlias.contact_id == new.contact_id
    again = {
        "contact_id": new.contact_id,
        "moved_at": case((is_theirs, func.coalesce(new.moved_at, ContactAlias.moved_at)), else_=new.moved_at),
        "was_whatsapp": case((is_theirs & ContactAlias.was_whatsapp, True), else_=new.was_whatsapp),
    }
    session.execute(statement.on_conflict_do_update(index_elements=["key"], set_=again), rows)


def release_aliases(session: Session, keys: Iterable[str]) -> None:
    """Somebody has these now: they lead to nobody else any more."""
    session.execute(delete(ContactAlias).where(ContactAlias.key.in_(sorted(keys))), execution_options=NO_SYNC)


def release_alias(session: Session, contact_id: int, former_id: int) -> ContactAlias | None:
    """An operator says that it is not this person's any more. What it was; None where they have no such."""
    row = session.scalar(
        select(ContactAlias).where(ContactAlias.id == former_id, ContactAlias.contact_id == contact_id)
    )
    if row is not None:
        session.execute(delete(ContactAlias).where(ContactAlias.id == former_id), execution_options=NO_SYNC)
    return row


def aliased_contacts(session: Session, keys: Iterable[str]) -> dict[str, int]:
    """key → the person whom it leads to, where it leads to one. Ask only for what nobody has now."""
    wanted = sorted(set(keys))
    found: dict[str, int] = {}
    for start in range(0, len(wanted), CHUNK):
        rows = session.execute(
            select(ContactAlias.key, ContactAlias.contact_id).where(ContactAlias.key.in_(wanted[start : start + CHUNK]))
        )
        found |= {row.key: row.contact_id for row in rows}
    return found


def aliases_of(session: Session, contact_id: int) -> list[ContactAlias]:
    """The person's, oldest first."""
    return list(
        session.scalars(select(ContactAlias).where(ContactAlias.contact_id == contact_id).order_by(ContactAlias.id))
    )


def merged_values_of(session: Session, contact_id: int) -> list[MergedValue]:
    """What their records said before, oldest first."""
    mine = MergedValue.contact_id == contact_id
    return list(session.scalars(select(MergedValue).where(mine).order_by(MergedValue.id)))


def add_merged_values(
    session: Session, contact_id: int, values: Iterable[tuple[AliasKind, str, Any]], now: datetime
) -> None:
    """Keep (kind, name, value) as what was said before."""
    rows = [
        {"contact_id": contact_id, "kind": kind, "name": name[:100], "value": _text(value), "created_at": now}
        for kind, name, value in values
    ]
    if rows:
        session.execute(insert(MergedValue), rows)


def transfer_aliases(session: Session, winner_id: int, loser_id: int) -> None:
    """What led to the loser of a merge, and what it had said before, is the winner's."""
    for table in (ContactAlias, MergedValue):
        session.execute(
            update(table).where(table.contact_id == loser_id).values(contact_id=winner_id), execution_options=NO_SYNC
        )


def delete_aliases(session: Session, contact_id: int) -> None:
    """All of it."""
    for table in (ContactAlias, MergedValue):
        session.execute(delete(table).where(table.contact_id == contact_id), execution_options=NO_SYNC)


def aliases_held_by_others(session: Session, contact_id: int, keys: Iterable[str]) -> set[str]:
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
