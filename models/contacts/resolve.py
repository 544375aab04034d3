"""The contact book: one record per person, found by whatever a webhook or an operator shows of them.

Order: wa_id, then the BSUID of a portfolio, then the phone in any of its spellings (`person_key`). A webhook that shows
the wa_id of one record and the BSUID of another says that both are one person, and they are merged. What nobody has now
may have been somebody's before (models.contacts.aliases): a number that a merge left over, or one that they moved away from.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.contacts.aliases import KnownIdentifier, add_aliases, aliased_contacts, release_aliases
from models.contacts.consent import append_events
from models.contacts.erased import ErasedPersonError, check_not_erased
from models.contacts.identity import Identity, identity_row, learn_identity, phone_of_wa_id
from models.contacts.lookup import named_by
from models.contacts.merge import choose_winner, merge_contacts
from models.contacts.person_key import canonical_wa_id, person_key
from models.contacts.phone import Phone, read_phone
from models.contacts.user_ids import later_user_ids
from models.tables.audit import META, AuditAction, record_audit
from models.tables.contact import Consent, Contact, ContactIdentity
from models.tables.contact_alias import ContactAlias

SOURCE = "whatsapp"
"""Where a person came from whom a webhook showed."""
BOOK_LOCK = 4_871_223
"""The advisory lock that whoever adds records holds on PostgreSQL; any fixed number of our own will do."""


def lock_identities(session: Session) -> None:
    """Let one transaction at a time add or merge records (until it ends).

    The unique columns cannot see that two spellings are one number. SQLite has one writer anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": BOOK_LOCK})


def resolve_contact(session: Session, identity: Identity, now: datetime, source: str = SOURCE) -> int:
    """The id of the one record of this person, made if there is none; what was shown of them is learned.

    A new record has consent `unknown`. ValueError where the identity holds neither wa_id, phone nor BSUID; ErasedPersonError
    where nobody is found, and the event is from before its person was redacted.
    """
    key = identity.key
    former = _by_former_bsuid(session, identity)
    if former is not None:
        return former
    if identity.portfolio_id is not None and identity.bsuid is not None:
        later = later_user_ids(session, identity.portfolio_id, identity.bsuid)
        if later:
            return _by_replaced_bsuid(session, identity, later, now, source)
    found = matching_contacts(session, identity, key)
    if len(found) != 1:
        lock_identities(session)
        found = matching_contacts(session, identity, key)
    if not found:
        former = _by_former_number(session, identity, now)
        if former is not None:
            return former
        check_not_erased(session, identity.keys, identity.at)
        made = _create(session, identity, key, now, source)
        if made is not None:
            return made
        found = matching_contacts(session, identity, key)  # another process made it meanwhile
    survivor = _one_of(session, found, now, META if source == SOURCE else source)
    learn_identity(session, survivor, identity, now)
    return survivor.id


def resolve_unless_erased(session: Session, identity: Identity, now: datetime) -> int | None:
    """`resolve_contact` for what a webhook shows; None if it is from before its person was redacted: it is not stored."""
    try:
        return resolve_contact(session, identity, now, SOURCE)
    except ErasedPersonError:
        return None


def merge_pair(session: Session, one_id: int, other_id: int, now: datetime, actor: str) -> int:
    """Merge two records of one person, which leaves a line in the audit; the id of the one that stays."""
    winner_id, loser_id = choose_winner(session, one_id, other_id)
    left = merge_contacts(session, winner_id, loser_id, now)
    detail: dict[str, Any] = {"before": [winner_id, loser_id], "after": winner_id}
    if left.names:
        detail["kept_of_it"] = left.names
    record_audit(session, now, actor, AuditAction.MERGE, "contact", winner_id, **detail)
    return winner_id


def surviving_contact_id(session: Session, contact_id: int) -> int:
    """The record that `contact_id` was merged into, at the end of the chain; itself where it was not."""
    while True:
        into = session.scalar(select(Contact.merged_into_id).where(Contact.id == contact_id))
        if into is None:
            return contact_id
        contact_id = into


def matching_contacts(session: Session, identity: Identity, key: str) -> list[Contact]:
    """Every record that any part of the identity names, the strongest evidence first."""
    wa_ids, phones = [identity.wa_id] if identity.wa_id else [], [identity.phone] if identity.phone else []
    named = named_by({key, *(person_key(phone=phone) for phone in phones)}, wa_ids, phones)
    fresh = {"populate_existing": True}
    found = list(session.scalars(select(Contact).where(*named), execution_options=fresh))
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


def _by_former_bsuid(session: Session, identity: Identity) -> int | None:
    """A BSUID changes with the number and is never given to anybody else: what comes with a former one is the person's."""
    if not identity.has_bsuid:
        return None
    key = person_key(portfolio_id=identity.portfolio_id, bsuid=identity.bsuid)
    return aliased_contacts(session, [key]).get(key)


def _by_replaced_bsuid(session: Session, identity: Identity, later: Sequence[str], now: datetime, source: str) -> int:
    """Meta reported that other ids replaced this one before anything came with it: the person has the last of them."""
    contact_id = resolve_contact(session, replace(identity, bsuid=later[-1]), now, source)
    former = {
        person_key(portfolio_id=identity.portfolio_id, bsuid=bsuid): KnownIdentifier(bsuid, was_whatsapp=True)
        for bsuid in (identity.bsuid or "", *later[:-1])
    }
    add_aliases(session, contact_id, former, now)
    return contact_id


def _by_former_number(session: Session, identity: Identity, now: datetime) -> int | None:
    """Whoever had the number that nobody has now, unless what is shown comes from somebody who was given it later."""
    keys = {person_key(wa_id=number) for number in (identity.wa_id, identity.phone) if number}
    for row in session.scalars(select(ContactAlias).where(ContactAlias.key.in_(keys)).order_by(ContactAlias.id)).all():
        contact = session.get_one(Contact, row.contact_id, populate_existing=True)
        if identity.wa_id is None and not identity.has_bsuid:
            return contact.id  # a shop's customer: no more is known than that it was theirs
        if row.moved_at is not None:
            if identity.at is not None and identity.at <= row.moved_at:
                return contact.id  # said before they moved; nothing is learned of it
        elif not (row.was_whatsapp and _has_another_bsuid(session, contact.id, identity)):
            last = contact.last_inbound_at
            if last is None or identity.at is None or identity.at >= last:
                learn_identity(session, contact, identity, now, has_moved=False)  # answers go where they write from
            return contact.id
    return None


def _has_another_bsuid(session: Session, contact_id: int, identity: Identity) -> bool:
    """Whether WhatsApp knows the person in this portfolio, and what is shown is not they. A former one was asked for before."""
    if not identity.has_bsuid:
        return False
    mine = (ContactIdentity.contact_id == contact_id, ContactIdentity.portfolio_id == identity.portfolio_id)
    held = session.scalars(select(ContactIdentity.bsuid).where(*mine)).all()
    return bool(held) and identity.bsuid not in held


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
                session.execute(insert(ContactIdentity).values(identity_row(identity, contact_id, now)))
    except IntegrityError:
        return None
    release_aliases(session, [key])
    event = {"contact_id": contact_id, "before": None, "after": Consent.UNKNOWN, "at": now}
    append_events(session, [event | {"source": source[:200], "proof": None, "actor": "meta"}])
    return contact_id


def _phone(identity: Identity) -> Phone | None:
    if identity.phone:
        return read_phone(identity.phone, None)
    return phone_of_wa_id(identity.wa_id) if identity.wa_id else None


def _one_of(session: Session, found: Sequence[Contact], now: datetime, actor: str) -> Contact:
    """Merge what the identity shows to be one person.

    Two records with two different wa_ids are two people: the BSUID then goes to the one whose wa_id came with it.
    """
    kept = found[0]
    for other in found[1:]:
        if _are_two_people(kept, other):
            continue
        winner_id = merge_pair(session, kept.id, other.id, now, actor)
        kept = session.get_one(Contact, winner_id, populate_existing=True)
    return kept


def _are_two_people(one: Contact, other: Contact) -> bool:
    if one.wa_id is None or other.wa_id is None:
        return False
    return canonical_wa_id(one.wa_id) != canonical_wa_id(other.wa_id)
