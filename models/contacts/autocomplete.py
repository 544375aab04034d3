"""Picking people one by one: whoever a few typed letters, digits or a tag mean, for a list that is chosen from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.contacts.lookup import find_contacts
from models.contacts.search import search_contacts
from models.contacts.tagging import not_deleted
from models.db.bulk import among
from models.tables.contact import Contact
from models.tables.tag import Tag

MAX_CHOICES = 12
MAX_TAGS = 3


@dataclass(frozen=True, slots=True)
class ContactChoice:
    """Somebody to be picked. `tag` is what they were found by, where it was that."""

    id: int
    name: str
    number: str
    """As it is shown; empty for whoever has none."""
    phone: str
    """E.164, by which a campaign's audience names them; empty where that is not possible."""
    tag: str


def suggest_contacts(
    session: Session, text: str, default_country: str | None, limit: int = MAX_CHOICES
) -> tuple[list[ContactChoice], bool]:
    """By name, e-mail or the beginning of the number, then by tag (`vip`, `city=Madrid`); with whether there are more."""
    found: dict[int, tuple[Contact, str]] = {}
    page = search_contacts(session, text=text, limit=limit, default_country=default_country)
    found |= {contact.id: (contact, "") for contact in page.contacts}
    has_more = page.next_after_id is not None
    name, _, value = text.partition("=")
    for tag in _tags(session, name.strip()):
        if len(found) >= limit:
            return [_picked(*some) for some in found.values()], True
        page = search_contacts(session, tag=tag, value=value.strip(), limit=limit)
        found |= {it.id: (it, tag) for it in page.contacts if it.id not in found}
        has_more = has_more or page.next_after_id is not None
    return [_picked(*some) for some in list(found.values())[:limit]], has_more or len(found) > limit


def names_of_phones(session: Session, phones: Iterable[str]) -> dict[str, str]:
    """The names of the contacts that have these numbers (E.164), by number."""
    ids = find_contacts(session, phones)
    query = select(Contact.id, Contact.name).where(among(session, Contact.id, set(ids.values())))
    names = {row.id: row.name for row in session.execute(query)}
    return {phone: names[contact_id] for phone, contact_id in ids.items() if contact_id in names}


def _tags(session: Session, name: str) -> Sequence[str]:
    """Tags that begin so, however they are written; one of exactly this name first."""
    if not name:
        return ()
    begins = Tag.name.istartswith(name, autoescape=True)
    query = select(Tag.name).where(begins, not_deleted(Tag)).order_by(Tag.name != name, Tag.name).limit(MAX_TAGS)
    return session.scalars(query).all()


def _picked(contact: Contact, tag: str) -> ContactChoice:
    called = f"+{contact.wa_id}" if contact.wa_id else ""
    phone = contact.phone or called
    return ContactChoice(contact.id, contact.name, phone or contact.raw_phone or "", phone, tag)
