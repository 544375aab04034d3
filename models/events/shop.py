"""Applying what a shop says: its customers become contacts, their orders are kept, and who asks to be forgotten is.

The person is whoever has the phone; the shop's id of a customer goes to their record. A customer without a usable phone is kept
apart, with the reason. News that are older than what is known change nothing, and nobody who left on WhatsApp is brought back.
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
from models.contacts.phone import person_key
from models.contacts.resolve import lock_identities, resolve_contact, surviving_contact_id
from models.contacts.tagging import put_tag, put_tags
from models.crypto import Vault
from models.db.dialect import insert_into
from models.errors import OperatorError
from models.events.shop_consent import apply_shop_consent, is_overtaken
from models.events.shop_lookup import find_by_phone, find_by_shop_id, is_by_former_number, lock_contact
from models.events.shop_types import ShopConsent, ShopCustomer, ShopEvent, ShopOrder, ShopRedaction
from models.privacy.redact import redact_person, suppress
from models.shop.customer_reads import drop_reads, request_read
from models.shop.opt_outs import SHOP_ACTOR, drop_opt_outs, reopen_opt_out
from models.shop.orders import NewOrder, OrderKey, upsert_orders
from models.shop.without_phone import WithoutPhone, forget_without_phone, is_older_than_kept, keep_without_phone
from models.tables.contact import Consent, Contact, Suppression
from models.tables.conversation import PurgedWamid
from models.tables.tag import SHOPIFY_TAG

ACTOR = SHOP_ACTOR
TAG = SHOPIFY_TAG
"""On everybody who comes from a shop: campaigns reach only people with a tag."""
REPEATED_FOR = timedelta(days=8)
"""A shop sends an event again for hours; the hashes are kept as long as those of Meta's."""
NO_SYNC = {"synchronize_session": False}


class ShopEventResult(StrEnum):
    """What became of an event."""

    APPLIED = "applied"
    REPEATED = "repeated"
    LATE = "late"
    UNREACHABLE = "unreachable"
    """It is about somebody without a phone whom we do not know, or who was redacted."""
    IGNORED = "ignored"


def apply_shop_event(
    session: Session, event: ShopEvent, now: datetime, vault: Vault, *, asked_shop: str | None = None
) -> ShopEventResult:
    """Apply one event, in the caller's transaction.

    A customer of `asked_shop` (its domain) who was changed is to be read there: webhooks carry no consent to WhatsApp messages.
    """
    if event.news is None:
        return ShopEventResult.IGNORED
    if event.id and not _is_first(session, event, now):
        return ShopEventResult.REPEATED
    lock_identities(session)
    if isinstance(event.news, ShopRedaction):
        return _part(session, event.news, now, vault)
    if isinstance(event.news, ShopOrder):
        return _take_order(session, event.shop, event.news, now, vault)
    if event.news.id is not None and event.news.id.isdecimal() and event.shop == asked_shop:
        request_read(session, event.news.id, now)
    return apply_shop_customer(session, event.shop, event.news, now, vault)


def _is_first(session: Session, event: ShopEvent, now: datetime) -> bool:
    key = sha256(f"shop\n{event.shop}\n{event.id}".encode()).hexdigest()
    statement = insert_into(session, PurgedWamid).values(hash=key, expires_at=now + REPEATED_FOR)
    statement = statement.on_conflict_do_nothing(index_elements=["hash"]).returning(PurgedWamid.hash)
    return session.scalar(statement) is not None


def apply_shop_customer(
    session: Session, shop: str, told: ShopCustomer, now: datetime, vault: Vault
) -> ShopEventResult:
    """Apply a customer, from a webhook or as they were read. The caller holds the lock on identities (`lock_identities`)."""
    known = find_by_shop_id(session, told.id)
    if known is not None and _is_late(known, told):
        _take_late_consents(session, shop, known, told, now)
        return ShopEventResult.LATE
    if told.id is not None and is_older_than_kept(session, told.id, told.changed_at):
        return ShopEventResult.LATE
    if _is_forgotten(session, told, known, vault):
        return ShopEventResult.UNREACHABLE
    contact = _contact_of(session, told, known, now)
    if contact is None:
        _keep_without_phone(session, shop, told, now)
        return ShopEventResult.UNREACHABLE
    if told.id is not None:
        forget_without_phone(session, [told.id])
    if _is_late(contact, told):
        _take_late_consents(session, shop, contact, told, now)
        return ShopEventResult.LATE
    is_former = is_by_former_number(contact, told)
    is_of_order = told.phone is not None and told.phone.is_of_order
    _learn(session, contact, told, now, fills=is_former)
    put_tags(session, [(contact.id, name, None) for name in sorted({TAG, *told.tags})], now)
    # Of a former number, and of one that came with an order, only that they left counts: it may be somebody else's.
    counts = [it for it in told.consents if it.state == Consent.UNSUBSCRIBED or not (is_former or is_of_order)]
    _take_consents(session, shop, contact, told.id, counts, now)
    return ShopEventResult.APPLIED


def _take_late_consents(session: Session, shop: str, contact: Contact, told: ShopCustomer, now: datetime) -> None:
    """A record that comes late may still hold the newest word on consent, which has a time of its own."""
    if told.e164 is None or person_key(phone=told.e164) in {contact.person_key, *identifiers_of(contact)}:
        locked = lock_contact(session, contact.id)
        timed = [consent for consent in told.consents if consent.at is not None]
        if locked is not None:
            _take_consents(session, shop, locked, told.id, timed, now)


def _take_consents(
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


def _keep_without_phone(session: Session, shop: str, told: ShopCustomer, now: datetime) -> None:
    """A customer who is named with their phone, and has none that can be written to."""
    phone = told.phone
    if told.id is None or phone is None or phone.reason is None:
        return
    name = _whole_name(told.fields.get("first_name"), told.fields.get("last_name"))
    kept = WithoutPhone(shop, told.id, name, told.fields.get("email"), phone.raw, phone.reason, told.changed_at)
    keep_without_phone(session, kept, now)


def _take_order(session: Session, shop: str, told: ShopOrder, now: datetime, vault: Vault) -> ShopEventResult:
    if told.customer.id is not None:
        apply_shop_customer(session, shop, told.customer, now, vault)  # its own news may still be on their way
    known = find_by_shop_id(session, told.customer.id)
    is_forgotten = _is_forgotten(session, told.customer, known, vault)
    contact = _contact_of(session, told.customer, known, now) if not is_forgotten else None
    if contact is None:
        return ShopEventResult.UNREACHABLE
    put_tag(session, contact.id, TAG, None, now)
    order = NewOrder(
        OrderKey(shop, told.id),
        contact.id,
        told.number,
        told.total_milli,
        told.currency,
        told.placed_at,
        told.cancelled_at,
        told.items,
        told.changed_at,
    )
    return ShopEventResult.LATE if upsert_orders(session, [order], now).unchanged else ShopEventResult.APPLIED


def redacted_by(session: Session, event: ShopEvent) -> Contact | None:
    """Who is to be forgotten by it, as they stand now."""
    told = event.news
    return _farewelled(session, told) if isinstance(told, ShopRedaction) and told.wipes else None


def _farewelled(session: Session, told: ShopRedaction) -> Contact | None:
    """By the shop's id, else by the phone. Where a redaction names neither, by the e-mail address of the customer who has it."""
    customer = told.customer
    email = customer.fields.get("email")
    if customer.id is not None or customer.e164 is not None or not told.wipes or not email:
        return find_by_shop_id(session, customer.id) or find_by_phone(session, customer.e164)
    query = select(Contact).where(func.lower(Contact.email) == email.lower(), Contact.shopify_id.is_not(None))
    found = session.scalars(query.limit(2)).all()
    if len(found) > 1:
        raise OperatorError("the redaction names an e-mail address alone, and several customers have it")
    return found[0] if found else None


def _part(session: Session, told: ShopRedaction, now: datetime, vault: Vault) -> ShopEventResult:
    """A deleted customer stays a contact, without the shop's id; one who is to be forgotten is wiped."""
    contact = _farewelled(session, told)
    ids = [told.customer.id] if told.customer.id is not None else []
    email = told.customer.fields.get("email") if told.wipes and not ids else None
    had_no_phone = forget_without_phone(session, ids, email)
    ids = sorted({*ids, *had_no_phone})
    drop_reads(session, ids)
    drop_opt_outs(session, ids)
    if told.wipes:
        suppress(session, [vault.person_hash(SHOP + key) for key in ids], "shopify redaction", now)
    if contact is None:
        return ShopEventResult.APPLIED if had_no_phone else ShopEventResult.UNREACHABLE
    if told.wipes:
        return (
            ShopEventResult.APPLIED
            if redact_person(session, contact.id, vault, now, ACTOR, "shopify redaction")
            else ShopEventResult.LATE
        )
    if told.customer.id is not None:
        release_aliases(session, [SHOP + told.customer.id])
    if contact.shopify_id == told.customer.id:
        _write(session, contact.id, shopify_id=None, shopify_changed_at=now, updated_at=now)
    return ShopEventResult.APPLIED


def _contact_of(session: Session, told: ShopCustomer, known: Contact | None, now: datetime) -> Contact | None:
    """Whoever has the phone, made if there is nobody; without a phone of their own whoever has the shop's id.

    Nobody wipes them meanwhile.
    """
    phone = _leading_phone(told, known)
    if phone is None:
        return lock_contact(session, known.id) if known is not None else None
    contact_id = surviving_contact_id(session, resolve_contact(session, Identity(phone=phone), now, ACTOR))
    return lock_contact(session, contact_id)


def _leading_phone(told: ShopCustomer, known: Contact | None) -> str | None:
    """The number that leads to the person. One that came with an order leads nobody away from whom the shop's id names."""
    is_of_order = told.phone is not None and told.phone.is_of_order
    return None if is_of_order and known is not None else told.e164


def _is_forgotten(session: Session, told: ShopCustomer, known: Contact | None, vault: Vault) -> bool:
    """Whether the shop's id or the number are those of somebody who was redacted."""
    phone = _leading_phone(told, known)
    keys = [SHOP + told.id] if told.id is not None else []
    keys += [person_key(phone=phone)] if phone is not None else []
    hashes = [vault.person_hash(key) for key in keys]
    return bool(session.scalar(select(exists().where(Suppression.person_hash.in_(hashes)))))


def _learn(session: Session, contact: Contact, told: ShopCustomer, now: datetime, *, fills: bool) -> None:
    """A customer with a number that the person had before `fills` what is not known of them, and no more."""
    new: dict[str, Any] = {
        name: value
        for name, value in told.fields.items()
        if getattr(contact, name) != value and not (fills and getattr(contact, name))
    }
    if "country" in new and contact.country:
        del new["country"]  # that of the number stays
    before = _whole_name(contact.first_name, contact.last_name)
    name = _whole_name(*(new.get(part, getattr(contact, part)) for part in ("first_name", "last_name")))
    if name != contact.name and contact.name in {"", before}:
        new["name"] = name
    if told.changed_at is not None and told.changed_at != contact.shopify_changed_at:
        new["shopify_changed_at"] = told.changed_at
    if (
        told.id is not None
        and told.id != contact.shopify_id
        and not fills
        and not _is_merged(session, contact, told.id)
    ):
        session.execute(
            update(Contact).where(Contact.shopify_id == told.id).values(shopify_id=None), execution_options=NO_SYNC
        )
        new["shopify_id"] = told.id
    if new:
        _write(session, contact.id, **new, updated_at=now)


def _is_merged(session: Session, contact: Contact, shop_id: str) -> bool:
    """Whether it is the id of a record that became a part of this one: the shop has the person twice."""
    return aliased_contacts(session, [SHOP + shop_id]).get(SHOP + shop_id) == contact.id


def _is_late(contact: Contact, told: ShopCustomer) -> bool:
    known = contact.shopify_changed_at
    return known is not None and told.changed_at is not None and told.changed_at < known


def _whole_name(first: str | None, last: str | None) -> str:
    return " ".join(part for part in (first, last) if part)[:300]


def _write(session: Session, contact_id: int, **values: Any) -> None:
    session.execute(update(Contact).where(Contact.id == contact_id).values(**values), execution_options=NO_SYNC)
