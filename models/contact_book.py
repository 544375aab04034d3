"""The contact book: one record per person, found by whatever a webhook or an operator shows of them.

Order: wa_id, then the BSUID of a portfolio, then the phone in any of its spellings (`person_key`). A webhook that shows
the wa_id of one record and the BSUID of another says that both are one person, and they are merged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, insert, or_, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.consent import append_events
from models.contact import Consent, Contact, ContactIdentity
from models.engagement import Engagement
from models.guardrails import META
from models.merge import choose_winner, merge
from models.phone import Phone, canonical_wa_id, person_key, read_phone
from models.user import record_audit

SOURCE = "whatsapp"
"""Where a person came from whom a webhook showed."""
BOOK_LOCK = 4_871_223
"""The advisory lock that whoever adds records holds on PostgreSQL; any fixed number of our own will do."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What was shown of a person. `phone` is E.164; `wa_id` as Meta writes it; a BSUID needs its portfolio."""

    wa_id: str | None = None
    phone: str | None = None
    portfolio_id: int | None = None
    bsuid: str | None = None
    parent_bsuid: str | None = None
    name: str | None = None
    username: str | None = None

    @property
    def has_bsuid(self) -> bool:
        """Whether a BSUID can be looked up."""
        return self.bsuid is not None and self.portfolio_id is not None

    @property
    def key(self) -> str:
        """The person_key. ValueError where nothing of the person is known."""
        return person_key(wa_id=self.wa_id, phone=self.phone, portfolio_id=self.portfolio_id, bsuid=self.bsuid)


def lock_contact_book(session: Session) -> None:
    """Let one transaction at a time add or merge records (until it ends).

    The unique columns cannot see that two spellings are one number. SQLite has one writer anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": BOOK_LOCK})


def find_or_create(session: Session, identity: Identity, now: datetime, source: str = SOURCE) -> int:
    """The id of the one record of this person, made if there is none; what was shown of them is learned.

    A new record has consent `unknown`. ValueError where the identity holds neither wa_id, phone nor BSUID.
    """
    key = identity.key
    found = matches(session, identity, key)
    if len(found) != 1:
        lock_contact_book(session)
        found = matches(session, identity, key)
    if not found:
        made = _create(session, identity, key, now, source)
        if made is not None:
            return made
        found = matches(session, identity, key)  # another process made it meanwhile
    survivor = _one_of(session, found, now, META if source == SOURCE else source)
    learn(session, survivor, identity, now)
    return survivor.id


def make_one(session: Session, one_id: int, other_id: int, now: datetime, actor: str) -> int:
    """Merge two records of one person, which leaves a line in the audit; the id of the one that stays."""
    winner_id, loser_id = choose_winner(session, one_id, other_id)
    merge(session, winner_id, loser_id, now)
    record_audit(
        session, now, actor, "contacts merged", "contact", winner_id, before=[winner_id, loser_id], after=winner_id
    )
    return winner_id


def find_contact(session: Session, phone: str, default_country: str | None = None) -> Contact | None:
    """The record of a phone as a person writes it. NotAPhone (a ValueError) where it is none."""
    read = read_phone(phone, default_country)
    if read.e164 is None:
        return session.scalar(select(Contact).where(Contact.raw_phone == read.stored))
    key = person_key(phone=read.e164)
    return session.scalar(
        select(Contact)
        .where(or_(Contact.phone == read.e164, Contact.person_key == key), Contact.merged_into_id.is_(None))
        .order_by((Contact.phone == read.e164).desc(), Contact.id)
        .limit(1)
    )


def survivor_id(session: Session, contact_id: int) -> int:
    """The record that `contact_id` was merged into, at the end of the chain; itself where it was not."""
    while True:
        into = session.scalar(select(Contact.merged_into_id).where(Contact.id == contact_id))
        if into is None:
            return contact_id
        contact_id = into


def phone_of_wa_id(wa_id: str) -> Phone | None:
    """The phone behind a wa_id, in today's spelling; None where it is no possible number."""
    try:
        phone = read_phone(f"+{canonical_wa_id(wa_id)}", None)
    except ValueError:
        return None
    return phone if phone.e164 else None


def matches(session: Session, identity: Identity, key: str) -> list[Contact]:
    """Every record that any part of the identity names, the strongest evidence first."""
    named = [Contact.person_key == key]
    if identity.wa_id:
        named.append(Contact.wa_id == identity.wa_id)
    if identity.phone:
        named += [Contact.phone == identity.phone, Contact.person_key == person_key(phone=identity.phone)]
    fresh = {"populate_existing": True}
    found = list(
        session.scalars(select(Contact).where(or_(*named), Contact.merged_into_id.is_(None)), execution_options=fresh)
    )
    if identity.has_bsuid:
        by_bsuid = session.scalar(
            select(Contact)
            .join(ContactIdentity)
            .where(ContactIdentity.portfolio_id == identity.portfolio_id, ContactIdentity.bsuid == identity.bsuid),
            execution_options=fresh,
        )
        if by_bsuid is not None and by_bsuid not in found:
            found.append(by_bsuid)
    return sorted(found, key=lambda contact: (not _is_wa_id_of(contact, identity), contact.id))


def _is_wa_id_of(contact: Contact, identity: Identity) -> bool:
    return identity.wa_id is not None and contact.wa_id == identity.wa_id


def _create(session: Session, identity: Identity, key: str, now: datetime, source: str) -> int | None:
    """None where a unique column says that somebody else was faster."""
    phone = _phone(identity)
    row: dict[str, Any] = {
        "phone": phone.e164 if phone else None,
        "country": phone.country if phone else None,
        "wa_id": identity.wa_id,
        "has_identity": identity.has_bsuid,
        "person_key": key,
        "name": (identity.name or "")[:300],
        "username": identity.username and identity.username[:100],
        "consent": Consent.UNKNOWN,
        "attributes": {},
        "undeliverable_count": 0,
        "created_at": now,
        "updated_at": now,
    }
    try:
        with session.begin_nested():
            contact_id: int = session.execute(insert(Contact).values(row).returning(Contact.id)).scalar_one()
            if identity.has_bsuid:
                session.execute(insert(ContactIdentity).values(_identity_row(identity, contact_id, now)))
    except IntegrityError:
        return None
    event = {"contact_id": contact_id, "before": None, "after": Consent.UNKNOWN, "at": now}
    append_events(session, [event | {"source": source[:200], "proof": None, "actor": "meta"}])
    return contact_id


def _phone(identity: Identity) -> Phone | None:
    if identity.phone:
        return read_phone(identity.phone, None)
    return phone_of_wa_id(identity.wa_id) if identity.wa_id else None


def _identity_row(identity: Identity, contact_id: int, now: datetime) -> dict[str, Any]:
    return {
        "contact_id": contact_id,
        "portfolio_id": identity.portfolio_id,
        "bsuid": identity.bsuid,
        "parent_bsuid": identity.parent_bsuid,
        "created_at": now,
    }


def _one_of(session: Session, found: Sequence[Contact], now: datetime, actor: str) -> Contact:
    """Merge what the identity shows to be one person.

    Two records with two different wa_ids are two people: the BSUID then goes to the one whose wa_id came with it.
    """
    kept = found[0]
    for other in found[1:]:
        if _are_two_people(kept, other):
            continue
        winner_id = make_one(session, kept.id, other.id, now, actor)
        kept = session.get_one(Contact, winner_id, populate_existing=True)
    return kept


def _are_two_people(one: Contact, other: Contact) -> bool:
    if one.wa_id is None or other.wa_id is None:
        return False
    return canonical_wa_id(one.wa_id) != canonical_wa_id(other.wa_id)


def learn(session: Session, contact: Contact, identity: Identity, now: datetime) -> None:
    """Keep what was shown and not known; a name that somebody gave stays."""
    new: dict[str, Any] = {}
    if identity.name and not contact.name:
        new["name"] = identity.name[:300]
    if identity.username and identity.username != contact.username:
        new["username"] = identity.username[:100]
    if identity.wa_id and identity.wa_id != contact.wa_id:
        new |= _learn_wa_id(session, contact, identity)
    elif identity.phone and not contact.phone and not _phone_taken(session, identity.phone):
        new["phone"] = identity.phone
    if "phone" in new and contact.raw_phone:
        new |= {"raw_phone": None, "phone_problem": None}
    if identity.has_bsuid and _learn_bsuid(session, contact.id, identity, now) and not contact.has_identity:
        new["has_identity"] = True
    if new:
        before = contact.person_key
        wa_id, phone = new.get("wa_id", contact.wa_id), new.get("phone", contact.phone)
        new["person_key"] = person_key(wa_id=wa_id, phone=phone) if wa_id or phone else before
        session.execute(update(Contact).where(Contact.id == contact.id).values(**new, updated_at=now))
        if new["person_key"] != before:
            lock_under_new_key(session, before, new["person_key"])


def _learn_wa_id(session: Session, contact: Contact, identity: Identity) -> dict[str, Any]:
    """The wa_id, and the phone where the record had none or one that belonged to its former wa_id."""
    wa_id = identity.wa_id or ""
    if session.scalar(select(exists().where(Contact.wa_id == wa_id, Contact.id != contact.id))):
        return {}
    new: dict[str, Any] = {"wa_id": wa_id}
    has_moved = (
        contact.wa_id is not None
        and contact.phone is not None
        and canonical_wa_id(contact.wa_id) != canonical_wa_id(wa_id)
        and person_key(phone=contact.phone) == person_key(wa_id=contact.wa_id)
    )
    phone = phone_of_wa_id(wa_id)
    if phone and (contact.phone is None or has_moved) and not _phone_taken(session, phone.e164 or ""):
        new |= {"phone": phone.e164, "country": contact.country or phone.country}
    return new


def _phone_taken(session: Session, e164: str) -> bool:
    return bool(session.scalar(select(exists().where(Contact.phone == e164))))


def _learn_bsuid(session: Session, contact_id: int, identity: Identity, now: datetime) -> bool:
    """True where the record has the BSUID now; it may come from another record (see `_one_of`)."""
    held = session.scalar(
        select(ContactIdentity).where(
            ContactIdentity.portfolio_id == identity.portfolio_id, ContactIdentity.bsuid == identity.bsuid
        )
    )
    if held is None:
        try:
            with session.begin_nested():
                session.execute(insert(ContactIdentity).values(_identity_row(identity, contact_id, now)))
        except IntegrityError:
            return False
    elif held.contact_id != contact_id:
        _take_identity(session, held, contact_id)
    elif identity.parent_bsuid and held.parent_bsuid != identity.parent_bsuid:
        held.parent_bsuid = identity.parent_bsuid
    return True


def _take_identity(session: Session, held: ContactIdentity, contact_id: int) -> None:
    former = held.contact_id
    session.execute(update(ContactIdentity).where(ContactIdentity.id == held.id).values(contact_id=contact_id))
    left = session.scalar(select(func.count()).select_from(ContactIdentity).where(ContactIdentity.contact_id == former))
    if not left:  # it has a wa_id, else it would have been merged: the CHECK on identity holds
        session.execute(update(Contact).where(Contact.id == former).values(has_identity=False))


def lock_under_new_key(session: Session, before: str, after: str) -> None:
    """A person who is engaged stays so under the new key; the old row stays for the recipient that froze it."""
    held = session.scalar(select(Engagement).where(Engagement.person_key == before))
    if held is not None and session.get(Engagement, after) is None:
        session.execute(
            insert(Engagement).values(
                person_key=after,
                campaign_id=held.campaign_id,
                contact_id=held.contact_id,
                created_at=held.created_at,
            )
        )
