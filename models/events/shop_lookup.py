"""Finds the contact of a shop's customer: by the shop's id of the customer, and by the phone."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.contacts.aliases import SHOP, aliased_contacts, identifiers_of
from models.contacts.lookup import find_contacts
from models.contacts.phone import person_key
from models.events.shop_types import ShopCustomer
from models.tables.contact import Contact


def find_by_shop_id(session: Session, shop_id: str | None) -> Contact | None:
    """The contact with the shop's id, else the one that it was merged into."""
    if shop_id is None:
        return None
    contact = session.scalar(
        select(Contact).where(Contact.shopify_id == shop_id), execution_options={"populate_existing": True}
    )
    if contact is None and (former := aliased_contacts(session, [SHOP + shop_id])):
        return session.get(Contact, former[SHOP + shop_id], populate_existing=True)
    return contact


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
