"""Suggests contacts while a user types a name, a number, an e-mail address or a tag."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.contacts.lookup import find_contacts
from models.contacts.search import search_contacts
from models.contacts.tagging import not_deleted
from models.db.bulk import among
from models.db.folding import Fold
from models.db.functions import Position
from models.folding import fold_letters
from models.tables.contact import Contact
from models.tables.tag import Tag

MAX_CHOICES = 12
MAX_TAGS = 3


@dataclass(frozen=True, slots=True)
class ContactChoice:
    """A suggested contact. `tag` is the tag that matched; empty if the name, e-mail or number did."""

    id: int
    name: str
    number: str
    """The number as it is shown; empty if there is none."""
    phone: str
    """E.164, the form that a campaign's audience uses; empty if there is none."""
    tag: str


def suggest_contacts(
    session: Session, text: str, default_country: str | None, limit: int = MAX_CHOICES
) -> tuple[list[ContactChoice], bool]:
    """Search by name, e-mail or a part of the number, then by tag (`vip`, `city=Madrid`).

    Return at most `limit` choices, and whether there are more.
    """
    matches: dict[int, tuple[Contact, str]] = {}
    page = search_contacts(session, text=text, limit=limit, default_country=default_country)
    matches |= {contact.id: (contact, "") for contact in page.contacts}
    has_more = page.next_after_id is not None
    name, _, value = text.partition("=")
    for tag in _tags(session, name.strip()):
        if len(matches) >= limit:
            return [_choice(*match) for match in matches.values()], True
        page = search_contacts(session, tag=tag, value=value.strip(), limit=limit)
        matches |= {contact.id: (contact, tag) for contact in page.contacts if contact.id not in matches}
        has_more = has_more or page.next_after_id is not None
    return [_choice(*match) for match in list(matches.values())[:limit]], has_more or len(matches) > limit


def names_of_phones(session: Session, phones: Iterable[str]) -> dict[str, str]:
    """Return number → name of the contacts with these numbers (E.164), found in any of their spellings."""
    ids = find_contacts(session, phones)
    query = select(Contact.id, Contact.name).where(among(session, Contact.id, set(ids.values())))
    names = {row.id: row.name for row in session.execute(query)}
    return {phone: names[contact_id] for phone, contact_id in ids.items() if contact_id in names}


def _tags(session: Session, name: str) -> Sequence[str]:
    """Names of tags that begin with `name`, whatever its case, accents and width; a whole match comes first."""
    if not name:
        return ()
    folded = fold_letters(name)
    begins = Position(Fold(Tag.name), folded) == 1
    is_exact = Fold(Tag.name) == folded
    query = select(Tag.name).where(begins, not_deleted(Tag)).order_by(~is_exact, Tag.name).limit(MAX_TAGS)
    return session.scalars(query).all()


def _choice(contact: Contact, tag: str) -> ContactChoice:
    whatsapp_number = f"+{contact.wa_id}" if contact.wa_id else ""
    phone = contact.phone or whatsapp_number
    return ContactChoice(contact.id, contact.name, phone or contact.raw_phone or "", phone, tag)
