"""Applies a shop's webhook events: customers become contacts, orders are stored, and redaction requests are carried out.

The phone identifies the contact, which gets the shop's id of the customer. An event that is older than the stored state changes
nothing, and nobody who opted out on WhatsApp is subscribed again by an older consent.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from models.contacts.aliases import SHOP, aliased_contacts, identifiers_of, release_aliases
from models.contacts.consent import Authority, set_consent
from models.contacts.identity import Identity
from models.contacts.lookup import find_contacts
from models.contacts.phone import person_key
from models.contacts.resolve import lock_identities, resolve_contact, surviving_contact_id
from models.contacts.tagging import put_tag, put_tags
from models.crypto import Vault
from models.db.dialect import NO_SYNC, insert_into
from models.events.shop_types import ShopConsent, ShopCustomer, ShopEvent, ShopOrder, ShopRedaction
from models.privacy.redact import redact_person
from models.shop.orders import NewOrder, OrderKey, upsert_orders
from models.tables.contact import Consent, Contact, Suppression
from models.tables.conversation import PurgedWamid
from models.tables.setting import read_setting
from models.tables.tag import SHOPIFY_TAG

ACTOR = "shopify"
TAG = SHOPIFY_TAG
"""The tag of every contact from a shop: campaigns reach only people with a tag."""
REPEATED_FOR = timedelta(days=8)
"""A shop repeats an event for two days; its hash is kept as long as those of Meta's messages."""
STATES = {
    "subscribed": Consent.SUBSCRIBED,
    "pending": Consent.PENDING,
    "not_subscribed": Consent.NOT_SUBSCRIBED,
    "unsubscribed": Consent.UNSUBSCRIBED,
}


class ShopEventResult(StrEnum):
    """The result of an event. REPEATED: it was applied before; LATE: the stored state is newer; IGNORED: its topic is not used."""

    APPLIED = "applied"
    REPEATED = "repeated"
    LATE = "late"
    UNREACHABLE = "unreachable"
    """The customer has no phone and no contact, or was redacted."""
    IGNORED = "ignored"


def apply_shop_event(session: Session, event: ShopEvent, now: datetime, vault: Vault) -> ShopEventResult:
    """Apply one event in the caller's transaction. A repeated event changes nothing."""
    if event.change is None:
        return ShopEventResult.IGNORED
    if event.id and not _is_first(session, event, now):
        return ShopEventResult.REPEATED
    lock_identities(session)
    if isinstance(event.change, ShopRedaction):
        return _apply_redaction(session, event.change, now, vault)
    if isinstance(event.change, ShopOrder):
        return _apply_order(session, event.shop, event.change, now, vault)
    return _apply_customer(session, event.shop, event.change, now, vault)


def _is_first(session: Session, event: ShopEvent, now: datetime) -> bool:
    key = sha256(f"shop\n{event.shop}\n{event.id}".encode()).hexdigest()
    statement = insert_into(session, PurgedWamid).values(hash=key, expires_at=now + REPEATED_FOR)
    statement = statement.on_conflict_do_nothing(index_elements=["hash"]).returning(PurgedWamid.hash)
    return session.scalar(statement) is not None


def _apply_customer(
    session: Session, shop: str, customer: ShopCustomer, now: datetime, vault: Vault
) -> ShopEventResult:
    known_contact = _by_shop_id(session, customer.id)
    if known_contact is not None and _is_late(known_contact, customer):
        return ShopEventResult.LATE
    contact = _contact_of(session, customer, known_contact, now, vault)
    if contact is None:
        return ShopEventResult.UNREACHABLE
    if _is_late(contact, customer):
        return ShopEventResult.LATE
    is_earlier_number = _is_by_earlier_number(contact, customer)
    _update_contact(session, contact, customer, now, only_empty=is_earlier_number)
    put_tags(session, [(contact.id, name, None) for name in sorted({TAG, *customer.tags})], now)
    # With an earlier number of the contact only an opt-out counts: the number may be somebody else's by now.
    if customer.consent is not None and not (is_earlier_number and customer.consent.state != Consent.UNSUBSCRIBED):
        _apply_consent(session, contact, customer.consent, f"{shop} customer {customer.id or 'without id'}", now)
    return ShopEventResult.APPLIED


def _apply_order(session: Session, shop: str, order: ShopOrder, now: datetime, vault: Vault) -> ShopEventResult:
    if order.customer.id is not None:
        _apply_customer(session, shop, order.customer, now, vault)  # the customer's own event may arrive later
    contact = _contact_of(session, order.customer, _by_shop_id(session, order.customer.id), now, vault)
    if contact is None:
        return ShopEventResult.UNREACHABLE
    put_tag(session, contact.id, TAG, None, now)
    new_order = NewOrder(
        OrderKey(shop, order.id),
        contact.id,
        order.number,
        order.total_milli,
        order.currency,
        order.placed_at,
        order.cancelled_at,
        order.items,
        order.changed_at,
    )
    return ShopEventResult.LATE if upsert_orders(session, [new_order], now).unchanged else ShopEventResult.APPLIED


def redacted_by(session: Session, event: ShopEvent) -> Contact | None:
    """The contact that the event will redact, as it is before; None if it redacts nobody."""
    redaction = event.change
    return _contact_to_redact(session, redaction) if isinstance(redaction, ShopRedaction) and redaction.wipes else None


def _contact_to_redact(session: Session, redaction: ShopRedaction) -> Contact | None:
    return _by_shop_id(session, redaction.customer.id) or _by_phone(session, redaction.customer.phone)


def _apply_redaction(session: Session, redaction: ShopRedaction, now: datetime, vault: Vault) -> ShopEventResult:
    """Redact the contact if the person asked for it. A customer whom the shop only deleted loses the shop's id."""
    contact = _contact_to_redact(session, redaction)
    if contact is None:
        return ShopEventResult.UNREACHABLE
    if redaction.wipes:
        return (
            ShopEventResult.APPLIED
            if redact_person(session, contact.id, vault, now, ACTOR, "shopify redaction")
            else ShopEventResult.LATE
        )
    if redaction.customer.id is not None:
        release_aliases(session, [SHOP + redaction.customer.id])
    if contact.shopify_id == redaction.customer.id:
        _update_columns(session, contact.id, shopify_id=None, shopify_changed_at=now, updated_at=now)
    return ShopEventResult.APPLIED


def _contact_of(
    session: Session, customer: ShopCustomer, known_contact: Contact | None, now: datetime, vault: Vault
) -> Contact | None:
    """The contact with the customer's phone, created if missing; without a phone the contact with the shop's id.

    Its row is locked, so it is not redacted meanwhile. None if there is no contact, or the person was redacted.
    """
    if customer.phone is None:
        return _locked(session, known_contact.id) if known_contact is not None else None
    key = person_key(phone=customer.phone)
    if session.scalar(select(exists().where(Suppression.person_hash == vault.person_hash(key)))):
        return None
    contact_id = surviving_contact_id(session, resolve_contact(session, Identity(phone=customer.phone), now, ACTOR))
    return _locked(session, contact_id)


def _locked(session: Session, contact_id: int) -> Contact | None:
    """The contact, its row locked; None if it was redacted meanwhile."""
    contact = session.get_one(Contact, contact_id, with_for_update=True, populate_existing=True)
    return contact if contact.redacted_at is None else None


def _is_by_earlier_number(contact: Contact, customer: ShopCustomer) -> bool:
    return (
        customer.phone is not None
        and (customer.id is None or customer.id != contact.shopify_id)
        and person_key(phone=customer.phone) not in {contact.person_key, *identifiers_of(contact)}
    )


def _update_contact(
    session: Session, contact: Contact, customer: ShopCustomer, now: datetime, *, only_empty: bool
) -> None:
    """Update the contact's fields from the customer. With `only_empty` (for an earlier number of the contact) only empty ones."""
    values: dict[str, Any] = {
        name: value
        for name, value in customer.fields.items()
        if getattr(contact, name) != value and not (only_empty and getattr(contact, name))
    }
    if "country" in values and contact.country:
        del values["country"]  # the number's country stays
    before = _whole_name(contact.first_name, contact.last_name)
    name = _whole_name(*(values.get(part, getattr(contact, part)) for part in ("first_name", "last_name")))
    if name != contact.name and contact.name in {"", before}:
        values["name"] = name
    if customer.changed_at is not None and customer.changed_at != contact.shopify_changed_at:
        values["shopify_changed_at"] = customer.changed_at
    if (
        customer.id is not None
        and customer.id != contact.shopify_id
        and not only_empty
        and not _is_merged(session, contact, customer.id)
    ):
        session.execute(
            update(Contact).where(Contact.shopify_id == customer.id).values(shopify_id=None), execution_options=NO_SYNC
        )
        values["shopify_id"] = customer.id
    if values:
        _update_columns(session, contact.id, **values, updated_at=now)


def _is_merged(session: Session, contact: Contact, shop_id: str) -> bool:
    """Whether it is the shop's id of a contact that was merged into this one: the shop has the person twice."""
    return aliased_contacts(session, [SHOP + shop_id]).get(SHOP + shop_id) == contact.id


def _apply_consent(session: Session, contact: Contact, consent: ShopConsent, proof: str, now: datetime) -> None:
    """Apply the customer's consent; the newest statement counts.

    `not_subscribed` is also what a shop says of customers whom it never asked, so it changes only an unknown consent.
    """
    new_consent = STATES.get(consent.state)
    if new_consent is None or (new_consent is Consent.NOT_SUBSCRIBED and contact.consent is not Consent.UNKNOWN):
        return
    if new_consent is Consent.SUBSCRIBED and not consent.is_confirmed and read_setting(session, "double_opt_in"):
        new_consent = Consent.PENDING
    is_known = contact.consent is not Consent.UNKNOWN
    if is_known and contact.consent_at is not None and (consent.at is None or consent.at <= contact.consent_at):
        return
    at = min(consent.at or now, now)
    source = f"shopify {consent.source}".strip()
    set_consent(session, [contact.id], new_consent, at, source=source, proof=proof, actor=ACTOR, by=Authority.OPERATOR)


def _is_late(contact: Contact, customer: ShopCustomer) -> bool:
    changed_at = contact.shopify_changed_at
    return changed_at is not None and customer.changed_at is not None and customer.changed_at < changed_at


def _by_shop_id(session: Session, shop_id: str | None) -> Contact | None:
    """Whoever has it, else whoever had it before."""
    if shop_id is None:
        return None
    contact = session.scalar(
        select(Contact).where(Contact.shopify_id == shop_id), execution_options={"populate_existing": True}
    )
    if contact is None and (former := aliased_contacts(session, [SHOP + shop_id])):
        return session.get(Contact, former[SHOP + shop_id], populate_existing=True)
    return contact


def _by_phone(session: Session, phone: str | None) -> Contact | None:
    contact_id = find_contacts(session, [phone]).get(phone) if phone else None
    return session.get(Contact, contact_id, populate_existing=True) if contact_id else None


def _whole_name(first: str | None, last: str | None) -> str:
    return " ".join(part for part in (first, last) if part)[:300]


def _update_columns(session: Session, contact_id: int, **values: Any) -> None:
    session.execute(update(Contact).where(Contact.id == contact_id).values(**values), execution_options=NO_SYNC)
