"""Applying what a shop says: its customers become contacts, their orders are kept, and who asks to be forgotten is.

The person is whoever has the phone; the shop's id of a customer goes to their record. News that are older than what is known change
nothing, and nobody who left on WhatsApp is brought back.
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
"""On everybody who comes from a shop: campaigns reach only people with a tag."""
REPEATED_FOR = timedelta(days=8)
"""A shop sends an event again for two days; the hashes are kept as long as those of Meta's."""
STATES = {
    "subscribed": Consent.SUBSCRIBED,
    "pending": Consent.PENDING,
    "not_subscribed": Consent.NOT_SUBSCRIBED,
    "unsubscribed": Consent.UNSUBSCRIBED,
}


class ShopEventResult(StrEnum):
    """What became of an event."""

    APPLIED = "applied"
    REPEATED = "repeated"
    LATE = "late"
    UNREACHABLE = "unreachable"
    """It is about somebody without a phone whom we do not know, or who was redacted."""
    IGNORED = "ignored"


def apply_shop_event(session: Session, event: ShopEvent, now: datetime, vault: Vault) -> ShopEventResult:
    """Apply one event, in the caller's transaction."""
    if event.news is None:
        return ShopEventResult.IGNORED
    if event.id and not _is_first(session, event, now):
        return ShopEventResult.REPEATED
    lock_identities(session)
    if isinstance(event.news, ShopRedaction):
        return _part(session, event.news, now, vault)
    if isinstance(event.news, ShopOrder):
        return _take_order(session, event.shop, event.news, now, vault)
    return _take_customer(session, event.shop, event.news, now, vault)


def _is_first(session: Session, event: ShopEvent, now: datetime) -> bool:
    key = sha256(f"shop\n{event.shop}\n{event.id}".encode()).hexdigest()
    statement = insert_into(session, PurgedWamid).values(hash=key, expires_at=now + REPEATED_FOR)
    statement = statement.on_conflict_do_nothing(index_elements=["hash"]).returning(PurgedWamid.hash)
    return session.scalar(statement) is not None


def _take_customer(session: Session, shop: str, told: ShopCustomer, now: datetime, vault: Vault) -> ShopEventResult:
    known = _by_shop_id(session, told.id)
    if known is not None and _is_late(known, told):
        return ShopEventResult.LATE
    contact = _contact_of(session, told, known, now, vault)
    if contact is None:
        return ShopEventResult.UNREACHABLE
    if _is_late(contact, told):
        return ShopEventResult.LATE
    is_former = _is_by_former_number(contact, told)
    _learn(session, contact, told, now, fills=is_former)
    put_tags(session, [(contact.id, name, None) for name in sorted({TAG, *told.tags})], now)
    # Of a former number only that they left counts: it may be somebody else's by now.
    if told.consent is not None and not (is_former and told.consent.state != Consent.UNSUBSCRIBED):
        _take_consent(session, contact, told.consent, f"{shop} customer {told.id or 'without id'}", now)
    return ShopEventResult.APPLIED


def _take_order(session: Session, shop: str, told: ShopOrder, now: datetime, vault: Vault) -> ShopEventResult:
    if told.customer.id is not None:
        _take_customer(session, shop, told.customer, now, vault)  # its own news may still be on their way
    contact = _contact_of(session, told.customer, _by_shop_id(session, told.customer.id), now, vault)
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
    return _by_shop_id(session, told.customer.id) or _by_phone(session, told.customer.phone)


def _part(session: Session, told: ShopRedaction, now: datetime, vault: Vault) -> ShopEventResult:
    """A deleted customer stays a contact, without the shop's id; one who is to be forgotten is wiped."""
    contact = _farewelled(session, told)
    if contact is None:
        return ShopEventResult.UNREACHABLE
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


def _contact_of(
    session: Session, told: ShopCustomer, known: Contact | None, now: datetime, vault: Vault
) -> Contact | None:
    """Whoever has the phone, made if there is nobody; without a phone whoever has the shop's id. Nobody wipes them meanwhile."""
    if told.phone is None:
        return _locked(session, known.id) if known is not None else None
    key = person_key(phone=told.phone)
    if session.scalar(select(exists().where(Suppression.person_hash == vault.person_hash(key)))):
        return None
    contact_id = surviving_contact_id(session, resolve_contact(session, Identity(phone=told.phone), now, ACTOR))
    return _locked(session, contact_id)


def _locked(session: Session, contact_id: int) -> Contact | None:
    """None for who was wiped while they were looked for."""
    contact = session.get_one(Contact, contact_id, with_for_update=True, populate_existing=True)
    return contact if contact.redacted_at is None else None


def _is_by_former_number(contact: Contact, told: ShopCustomer) -> bool:
    return (
        told.phone is not None
        and (told.id is None or told.id != contact.shopify_id)
        and person_key(phone=told.phone) not in {contact.person_key, *identifiers_of(contact)}
    )


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


def _take_consent(session: Session, contact: Contact, told: ShopConsent, proof: str, now: datetime) -> None:
    """The newest word counts. `not_subscribed` is what a shop says of everybody whom it never asked: it lowers nobody."""
    after = STATES.get(told.state)
    if after is None or (after is Consent.NOT_SUBSCRIBED and contact.consent is not Consent.UNKNOWN):
        return
    if after is Consent.SUBSCRIBED and not told.is_confirmed and read_setting(session, "double_opt_in"):
        after = Consent.PENDING
    said_something = contact.consent is not Consent.UNKNOWN
    if said_something and contact.consent_at is not None and (told.at is None or told.at <= contact.consent_at):
        return
    at = min(told.at or now, now)
    source = f"shopify {told.source}".strip()
    set_consent(session, [contact.id], after, at, source=source, proof=proof, actor=ACTOR, by=Authority.OPERATOR)


def _is_late(contact: Contact, told: ShopCustomer) -> bool:
    known = contact.shopify_changed_at
    return known is not None and told.changed_at is not None and told.changed_at < known


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


def _write(session: Session, contact_id: int, **values: Any) -> None:
    session.execute(update(Contact).where(Contact.id == contact_id).values(**values), execution_options=NO_SYNC)
