"""Reads contacts as rows of cells: those of a search, of a list, or of a segment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.campaigns.export import moment
from models.contacts.search import search_contacts
from models.contacts.tagging import not_deleted
from models.exports.cells import phone_cell, tags_cell
from models.segments.compile import compile_rule
from models.segments.rule import parse_rule
from models.tables.contact import Contact
from models.tables.segment import Segment
from models.tables.tag import Attribute, ContactList, ContactTag, ListMember, Tag

COLUMNS = (
    "phone", "name", "first_name", "last_name", "email", "language", "country", "time_zone", "consent", "consent_at", "tags",
    "lists", "username", "last_inbound_at", "created_at",
)  # fmt: skip
"""What every contact has; a column for each attribute follows."""


@dataclass(frozen=True, slots=True)
class ContactRows:
    """One page of rows. The next one begins after `next_after`; None means that this is the last."""

    rows: Sequence[tuple[Any, ...]]
    next_after: int | None


def attribute_columns(session: Session) -> tuple[str, ...]:
    """The names of the attributes, which are columns after COLUMNS."""
    return tuple(session.scalars(select(Attribute.name).order_by(Attribute.name)))


def contact_rows(
    session: Session, attributes: Sequence[str], search: Mapping[str, Any], after: int | None, limit: int
) -> ContactRows:
    """A page of the contacts of a search (the arguments of `search_contacts`), newest first."""
    page = search_contacts(session, **search, after_id=after, limit=limit)
    return ContactRows(_rows(session, page.contacts, attributes), page.next_after_id)


def segment_rows(
    session: Session, attributes: Sequence[str], segment_id: int, now: datetime, after: int | None, limit: int
) -> ContactRows:
    """A page of the contacts that match a segment now, by id. Raises RuleError if its rule is invalid by now."""
    segment = session.get_one(Segment, segment_id)
    matches = compile_rule(parse_rule(session, segment.rule, inside=(segment.name,)), now, Contact.__table__)
    query = select(Contact).where(
        Contact.id > (after or 0), Contact.merged_into_id.is_(None), Contact.redacted_at.is_(None), matches
    )
    contacts = session.scalars(query.order_by(Contact.id).limit(limit)).all()
    return ContactRows(_rows(session, contacts, attributes), contacts[-1].id if len(contacts) == limit else None)


def _rows(session: Session, contacts: Sequence[Contact], attributes: Sequence[str]) -> list[tuple[Any, ...]]:
    ids = [contact.id for contact in contacts]
    tags: dict[int, dict[str, str | None]] = {}
    tagged = select(ContactTag.contact_id, Tag.name, ContactTag.value).join(Tag, Tag.id == ContactTag.tag_id)
    for contact_id, name, value in session.execute(tagged.where(ContactTag.contact_id.in_(ids), not_deleted(Tag))):
        tags.setdefault(contact_id, {})[name] = value
    lists: dict[int, list[str]] = {}
    members = select(ListMember.contact_id, ContactList.name).join(ContactList, ContactList.id == ListMember.list_id)
    members = members.where(ListMember.contact_id.in_(ids), not_deleted(ContactList)).order_by(ContactList.name)
    for contact_id, name in session.execute(members):
        lists.setdefault(contact_id, []).append(name)
    return [_cells(it, tags.get(it.id, {}), lists.get(it.id, ()), attributes) for it in contacts]


def _cells(
    contact: Contact, tags: Mapping[str, str | None], lists: Sequence[str], attributes: Sequence[str]
) -> tuple[Any, ...]:
    values = {name: getattr(contact, name) for name in ("name", "first_name", "last_name", "email", "username")}
    values |= {name: getattr(contact, name) for name in ("language", "country", "time_zone")}
    values |= {
        "phone": phone_cell(contact),
        "consent": contact.consent.value,
        "tags": tags_cell(tags),
        "lists": "; ".join(lists),
        "consent_at": moment(contact.consent_at),
        "last_inbound_at": moment(contact.last_inbound_at),
        "created_at": moment(contact.created_at),
    }
    return (*(values[name] for name in COLUMNS), *(contact.attributes.get(name) for name in attributes))
