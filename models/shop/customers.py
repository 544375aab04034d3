"""Finds the contact of a shop's customer by the shop's id of the customer."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.contacts.aliases import SHOP, aliased_contacts
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
