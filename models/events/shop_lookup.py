"""Finds the person whom a shop speaks of: by the shop's id of the customer, and by the phone."""

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from models.contacts.aliases import SHOP, aliased_contacts, identifiers_of
from models.contacts.phone import person_key
from models.events.shop_types import ShopCustomer
from models.tables.contact import Contact


def find_by_shop_id(session: Session, shop_id: str | None) -> Contact | None:
    """Whoever is this customer, also by a record that was merged into theirs."""
    return _found(session, SHOP + shop_id, Contact.shopify_id == shop_id) if shop_id is not None else None


def find_by_phone(session: Session, phone: str | None) -> Contact | None:
    """Whoever has this number (E.164), else whoever had it before."""
    if phone is None:
        return None
    key = person_key(phone=phone)
    return _found(session, key, Contact.person_key == key, Contact.merged_into_id.is_(None))


def _found(session: Session, key: str, *is_theirs: ColumnElement[bool]) -> Contact | None:
    """Whoever has it, else whoever had it before."""
    fresh = {"populate_existing": True}
    found = session.scalar(select(Contact).where(*is_theirs), execution_options=fresh)
    if found is None and (former := aliased_contacts(session, [key])):
        found = session.get(Contact, former[key], populate_existing=True)
    return found


def is_by_former_number(contact: Contact, told: ShopCustomer) -> bool:
    """Whether the customer is found by a number alone that the person had before."""
    return (
        told.e164 is not None
        and (told.id is None or told.id != contact.shopify_id)
        and person_key(phone=told.e164) not in {contact.person_key, *identifiers_of(contact)}
    )


def lock_contact(session: Session, contact_id: int) -> Contact | None:
    """The contact, locked; None for who was wiped while they were looked for."""
    contact = session.get_one(Contact, contact_id, with_for_update=True, populate_existing=True)
    return contact if contact.redacted_at is None else None
