"""Finds the contact of a shop's customer by the phone, and locks it."""

from sqlalchemy.orm import Session

from models.contacts.aliases import identifiers_of
from models.contacts.lookup import find_contacts
from models.contacts.person_key import person_key
from models.events.shop_types import ShopCustomer
from models.tables.contact import Contact


def find_by_phone(session: Session, phone: str | None) -> Contact | None:
    """The contact with this phone (E.164), by the rule of `find_contacts`."""
    contact_id = find_contacts(session, [phone]).get(phone) if phone else None
    return session.get(Contact, contact_id, populate_existing=True) if contact_id else None


def is_by_earlier_number(contact: Contact, customer: ShopCustomer) -> bool:
    """Whether the customer leads to the contact only by a phone that the contact had before."""
    return (
        customer.e164 is not None
        and (customer.id is None or customer.id != contact.shopify_id)
        and person_key(phone=customer.e164) not in {contact.person_key, *identifiers_of(contact)}
    )


def lock_contact(session: Session, contact_id: int) -> Contact | None:
    """The contact, its row locked; None if it was redacted meanwhile."""
    contact = session.get_one(Contact, contact_id, with_for_update=True, populate_existing=True)
    return contact if contact.redacted_at is None else None
