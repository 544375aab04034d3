"""Contacts, and what is known about them: tags, attributes, lists and orders.

alice is subscribed, bob opted out. Phone numbers come from ranges that are never assigned. Every function flushes, none
commits.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.contacts.person_key import person_key
from models.tables.contact import Consent, Contact
from models.tables.order import Order, OrderItem, OrderItemKind, in_milli
from models.tables.tag import Attribute, AttributeType, ContactList, ContactTag, ListMember, Tag
from tests.support.factories.common import NOW, next_serial

ALICE_PHONE = "+34600000001"
BOB_PHONE = "+34600000002"
CAROL_PHONE = "+34600000003"


def make_contact(
    session: Session,
    phone: str | None = None,
    *,
    name: str = "Someone",
    consent: Consent = Consent.SUBSCRIBED,
    tags: Mapping[str, str | None] | None = None,
    now: datetime = NOW,
    **values: Any,
) -> Contact:
    """A contact; without `phone` one gets a number of its own, without `tags` the tag `vip`."""
    if phone is None and not {"raw_phone", "wa_id", "has_identity"} & set(values):
        phone = f"+346001{next_serial():05d}"
    wa_id = values.get("wa_id")
    key = person_key(wa_id=wa_id, phone=phone, contact_id=f"new{next_serial()}")
    given = {"person_key": key, "consent_at": now, "created_at": now, "updated_at": now}
    contact = Contact(phone=phone, name=name, consent=consent, **(given | values))
    if consent is Consent.REDACTED and contact.redacted_at is None:
        contact.redacted_at = now
    session.add(contact)
    session.flush()
    if "person_key" not in values and not (phone or wa_id):
        contact.person_key = person_key(contact_id=contact.id)
    for tag, value in ({"vip": None} if tags is None else tags).items():
        put_tag(session, contact, tag, value, now=now)
    session.flush()
    return contact


def alice(session: Session, **values: Any) -> Contact:
    """Subscribed."""
    return make_contact(session, ALICE_PHONE, **({"name": "Alice"} | values))


def bob(session: Session, **values: Any) -> Contact:
    """Opted out."""
    return make_contact(session, BOB_PHONE, **({"name": "Bob", "consent": Consent.UNSUBSCRIBED} | values))


def put_tag(session: Session, contact: Contact, name: str, value: str | None = None, *, now: datetime = NOW) -> Tag:
    """The tag, made if there is none of that name, on the contact."""
    tag = session.scalar(select(Tag).where(Tag.name == name))
    if tag is None:
        tag = Tag(name=name, created_at=now)
        session.add(tag)
        session.flush()
    session.merge(ContactTag(contact_id=contact.id, tag_id=tag.id, value=value, created_at=now))
    session.flush()
    return tag


def put_tags(session: Session, contacts: Iterable[Contact], name: str, *, now: datetime = NOW) -> None:
    """The same tag on many contacts that do not have it yet, all but the first in one go."""
    first, *others = contacts
    tag = put_tag(session, first, name, now=now)
    session.add_all(ContactTag(contact_id=contact.id, tag_id=tag.id, value=None, created_at=now) for contact in others)
    session.flush()


def make_attribute(
    session: Session,
    name: str,
    *,
    type: AttributeType = AttributeType.TEXT,  # noqa: A002 - the column's name
    default: str | None = None,
    now: datetime = NOW,
) -> Attribute:
    """The definition of an attribute."""
    attribute = Attribute(name=name, type=type, default=default, created_at=now)
    session.add(attribute)
    session.flush()
    return attribute


def make_list(session: Session, name: str, *contacts: Contact, now: datetime = NOW) -> ContactList:
    """A list of these contacts."""
    made = ContactList(name=name, created_at=now)
    session.add(made)
    session.flush()
    for contact in contacts:
        join_list(session, made, contact, now=now)
    return made


def join_list(session: Session, joined: ContactList, contact: Contact, *, now: datetime = NOW) -> None:
    """The contact becomes a member of the list."""
    session.add(ListMember(list_id=joined.id, contact_id=contact.id, created_at=now))
    session.flush()


def make_order(
    session: Session,
    contact: Contact,
    *,
    total: Decimal | float = 10,
    collections: Iterable[str] = (),
    brands: Iterable[str] = (),
    now: datetime = NOW,
    **values: Any,
) -> Order:
    """What the contact ordered."""
    given: dict[str, Any] = {"external_id": f"o{next_serial()}", "currency": "EUR", "placed_at": now}
    order = Order(
        contact_id=contact.id, total_milli=in_milli(total), created_at=now, updated_at=now, **(given | values)
    )
    session.add(order)
    session.flush()
    for kind, names in ((OrderItemKind.COLLECTION, collections), (OrderItemKind.BRAND, brands)):
        session.add_all(OrderItem(order_id=order.id, kind=kind, name=name) for name in names)
    session.flush()
    return order
