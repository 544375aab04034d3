"""Applies a shop's webhook events: customers become contacts, orders are stored, and redaction requests are carried out.

The phone identifies the contact, which gets the shop's id of the customer. A customer without a usable phone is stored apart,
with the reason. An event that is older than the stored state changes nothing, and nobody who opted out on WhatsApp is subscribed
again by an older consent.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any

from sqlalchemy import exists, func, select, update
from sqlalchemy.orm import Session

from models.contacts.aliases import SHOP, aliased_contacts, identifiers_of, release_aliases
from models.contacts.identity import Identity
from models.contacts.joined_name import joined_name, whole_name
from models.contacts.person_key import person_key
from models.contacts.resolve import lock_identities, resolve_contact, surviving_contact_id
from models.contacts.tagging import put_tag, put_tags
from models.crypto import Vault
from models.db.dialect import NO_SYNC, insert_into
from models.errors import OperatorError
from models.events.shop_consent import apply_shop_consent, is_overtaken
from models.events.shop_lookup import find_by_phone, is_by_earlier_number, lock_contact
from models.events.shop_types import ShopConsent, ShopCustomer, ShopEvent, ShopOrder, ShopRedaction
from models.privacy.redact import redact_person, suppress
from models.shop.customer_reads import drop_reads, request_read
from models.shop.customers import find_by_shop_id
from models.shop.opt_outs import SHOP_ACTOR, drop_opt_outs, reopen_opt_out
from models.shop.orders import NewOrder, OrderKey, upsert_orders
from models.shop.refunds import NewRefund, store_refunds
from models.shop.without_phone import WithoutPhone, forget_without_phone, is_older_than_kept, keep_without_phone
from models.tables.contact import Consent, Contact, Suppression
from models.tables.conversation import PurgedWamid
from models.tables.tag import SHOPIFY_TAG

ACTOR = SHOP_ACTOR
TAG = SHOPIFY_TAG
"""The tag of every contact from a shop: campaigns reach only people with a tag."""
REPEATED_FOR = timedelta(days=8)
"""A shop repeats an event for two days; its hash is kept as long as those of Meta's messages."""


class ShopEventResult(StrEnum):
    """The result of an event. REPEATED: it was applied before; LATE: the stored state is newer; IGNORED: its topic is not used."""

    APPLIED = "applied"
    REPEATED = "repeated"
    LATE = "late"
    UNREACHABLE = "unreachable"
    """The customer has no phone and no contact, or was redacted."""
    IGNORED = "ignored"


def apply_shop_event(
    session: Session, event: ShopEvent, now: datetime, vault: Vault, *, asked_shop: str | None = None
) -> ShopEventResult:
    """Apply one event in the caller's transaction. A repeated event changes nothing.

    `asked_shop` is the domain of the shop that Hark can ask; its changed customers are read there, because webhooks carry no
    consent to WhatsApp messages.
    """
    if event.change is None:
        return ShopEventResult.IGNORED
    if event.id and not _is_first(session, event, now):
        return ShopEventResult.REPEATED
    lock_identities(session)
    if isinstance(event.change, ShopRedaction):
        return _apply_redaction(session, event.change, now, vault)
    if isinstance(event.change, NewRefund):
        store_refunds(session, event.shop, [event.change], now)
        return ShopEventResult.APPLIED
    if isinstance(event.change, ShopOrder):
        return _apply_order(session, event.shop, event.change, now, vault)
    if event.change.id is not None and event.change.id.isdecimal() and event.shop == asked_shop:
        request_read(session, event.change.id, now)
    return apply_shop_customer(session, event.shop, event.change, now, vault)


def _is_first(session: Session, event: ShopEvent, now: datetime) -> bool:
    key = sha256(f"shop\n{event.shop}\n{event.id}".encode()).hexdigest()
    statement = insert_into(session, PurgedWamid).values(hash=key, expires_at=now + REPEATED_FOR)
    statement = statement.on_conflict_do_nothing(index_elements=["hash"]).returning(PurgedWamid.hash)
    return session.scalar(statement) is not None


def apply_shop_customer(
    session: Session, shop: str, customer: ShopCustomer, now: datetime, vault: Vault
) -> ShopEventResult:
    """Apply a customer, from a webhook or as they were read. The caller holds the lock on identities (`lock_identities`)."""
    known = find_by_shop_id(session, customer.id)
    if known is not None and _is_late(known, customer):
        _apply_late_consents(session, shop, known, customer, now)
        return ShopEventResult.LATE
    if customer.id is not None and is_older_than_kept(session, customer.id, customer.changed_at):
        return ShopEventResult.LATE
    if _is_redacted(session, customer, known, vault):
        return ShopEventResult.UNREACHABLE
    contact = _contact_of(session, customer, known, now)
    if contact is None:
        _keep_without_phone(session, shop, customer, now)
        return ShopEventResult.UNREACHABLE
    if customer.id is not None:
        forget_without_phone(session, [customer.id])
    if _is_late(contact, customer):
        _apply_late_consents(session, shop, contact, customer, now)
        return ShopEventResult.LATE
    is_earlier_number = is_by_earlier_number(contact, customer)
    is_of_order = customer.phone is not None and customer.phone.is_of_order
    _update_contact(session, contact, customer, now, only_empty=is_earlier_number)
    put_tags(session, [(contact.id, name, None) for name in sorted({TAG, *customer.tags})], now)
    # Of a former number, and of one that came with an order, only that they left counts: it may be somebody else's.
    counts = [
        it for it in customer.consents if it.state == Consent.UNSUBSCRIBED or not (is_earlier_number or is_of_order)
    ]
    _apply_consents(session, shop, contact, customer.id, counts, now)
    return ShopEventResult.APPLIED


def _apply_late_consents(session: Session, shop: str, contact: Contact, customer: ShopCustomer, now: datetime) -> None:
    """A record that comes late may still hold the newest word on consent, which has a time of its own."""
    if customer.e164 is None or person_key(phone=customer.e164) in {contact.person_key, *identifiers_of(contact)}:
        locked = lock_contact(session, contact.id)
        timed = [consent for consent in customer.consents if consent.at is not None]
        if locked is not None:
            _apply_consents(session, shop, locked, customer.id, timed, now)


def _apply_consents(
    session: Session,
    shop: str,
    contact: Contact,
    customer_id: str | None,
    consents: Sequence[ShopConsent],
    now: datetime,
) -> None:
    for consent in consents:
        session.refresh(contact)
        if customer_id is not None and is_overtaken(contact, consent):
            reopen_opt_out(session, customer_id, now)
        apply_shop_consent(session, contact, consent, f"{shop} customer {customer_id or 'without id'}", now)


def _keep_without_phone(session: Session, shop: str, customer: ShopCustomer, now: datetime) -> None:
    """A customer who is named with their phone, and has none that can be written to."""
    phone = customer.phone
    if customer.id is None or phone is None or phone.reason is None:
        return
    name = whole_name(customer.fields.get("first_name"), customer.fields.get("last_name"))
    kept = WithoutPhone(
        shop, customer.id, name, customer.fields.get("email"), phone.raw, phone.reason, customer.changed_at
    )
    keep_without_phone(session, kept, now)


def _apply_order(session: Session, shop: str, order: ShopOrder, now: datetime, vault: Vault) -> ShopEventResult:
    if order.customer.id is not None:
        apply_shop_customer(session, shop, order.customer, now, vault)  # the customer's own event may arrive later
    known = find_by_shop_id(session, order.customer.id)
    is_redacted = _is_redacted(session, order.customer, known, vault)
    contact = _contact_of(session, order.customer, known, now) if not is_redacted else None
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
        order.gross_milli,
    )
    tally = upsert_orders(session, [new_order], now)
    store_refunds(session, shop, order.refunds, now)
    return ShopEventResult.LATE if tally.unchanged else ShopEventResult.APPLIED


def redacted_by(session: Session, event: ShopEvent) -> Contact | None:
    """The contact that the event will redact, as it is before; None if it redacts nobody."""
    redaction = event.change
    return _contact_to_redact(session, redaction) if isinstance(redaction, ShopRedaction) and redaction.wipes else None


def _contact_to_redact(session: Session, redaction: ShopRedaction) -> Contact | None:
    """By the shop's id, else by the phone. Where a redaction names neither, by the e-mail address of the customer who has it."""
    customer = redaction.customer
    email = customer.fields.get("email")
    if customer.id is not None or customer.e164 is not None or not redaction.wipes or not email:
        return find_by_shop_id(session, customer.id) or find_by_phone(session, customer.e164)
    query = select(Contact).where(func.lower(Contact.email) == email.lower(), Contact.shopify_id.is_not(None))
    found = session.scalars(query.limit(2)).all()
    if len(found) > 1:
        raise OperatorError("the redaction names an e-mail address alone, and several customers have it")
    return found[0] if found else None


def _apply_redaction(session: Session, redaction: ShopRedaction, now: datetime, vault: Vault) -> ShopEventResult:
    """A deleted customer stays a contact, without the shop's id; one who is to be forgotten is wiped."""
    contact = _contact_to_redact(session, redaction)
    ids = [redaction.customer.id] if redaction.customer.id is not None else []
    email = redaction.customer.fields.get("email") if redaction.wipes and not ids else None
    had_no_phone = forget_without_phone(session, ids, email)
    ids = sorted({*ids, *had_no_phone})
    drop_reads(session, ids)
    drop_opt_outs(session, ids)
    if redaction.wipes:
        suppress(session, [vault.person_hash(SHOP + key) for key in ids], "shopify redaction", now)
    if contact is None:
        return ShopEventResult.APPLIED if had_no_phone else ShopEventResult.UNREACHABLE
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


def _contact_of(session: Session, customer: ShopCustomer, known: Contact | None, now: datetime) -> Contact | None:
    """Whoever has the phone, made if there is nobody; without a phone of their own whoever has the shop's id.

    Nobody wipes them meanwhile.
    """
    phone = _identifying_phone(customer, known)
    if phone is None:
        return lock_contact(session, known.id) if known is not None else None
    contact_id = surviving_contact_id(session, resolve_contact(session, Identity(phone=phone), now, ACTOR))
    return lock_contact(session, contact_id)


def _identifying_phone(customer: ShopCustomer, known: Contact | None) -> str | None:
    """The number that leads to the person. One that came with an order leads nobody away from whom the shop's id names."""
    is_of_order = customer.phone is not None and customer.phone.is_of_order
    return None if is_of_order and known is not None else customer.e164


def _is_redacted(session: Session, customer: ShopCustomer, known: Contact | None, vault: Vault) -> bool:
    """Whether the shop's id or the number are those of somebody who was redacted."""
    phone = _identifying_phone(customer, known)
    keys = [SHOP + customer.id] if customer.id is not None else []
    keys += [person_key(phone=phone)] if phone is not None else []
    hashes = [hashed for key in keys for hashed in vault.person_hashes(key)]
    return bool(session.scalar(select(exists().where(Suppression.person_hash.in_(hashes)))))


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
    first, last = contact.first_name, contact.last_name
    name = joined_name(contact.name, (first, last), (values.get("first_name", first), values.get("last_name", last)))
    if name != contact.name:
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


def _is_late(contact: Contact, customer: ShopCustomer) -> bool:
    known = contact.shopify_changed_at
    return known is not None and customer.changed_at is not None and customer.changed_at < known


def _update_columns(session: Session, contact_id: int, **values: Any) -> None:
    session.execute(update(Contact).where(Contact.id == contact_id).values(**values), execution_options=NO_SYNC)
