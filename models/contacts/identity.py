"""What a webhook, a shop or an operator shows of a person, and taking over of it what their record does not have yet."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.contacts.aliases import KnownIdentifier, add_aliases, identifiers_of, release_aliases
from models.contacts.phone import Phone, canonical_wa_id, person_key, read_phone
from models.tables.contact import Contact, ContactIdentity
from models.tables.engagement import Engagement


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
    at: datetime | None = None
    """Meta's time of what showed it."""

    @property
    def has_bsuid(self) -> bool:
        """Whether a BSUID can be looked up."""
        return self.bsuid is not None and self.portfolio_id is not None

    @property
    def key(self) -> str:
        """The person_key. ValueError where nothing of the person is known."""
        return person_key(wa_id=self.wa_id, phone=self.phone, portfolio_id=self.portfolio_id, bsuid=self.bsuid)


def phone_of_wa_id(wa_id: str) -> Phone | None:
    """The phone behind a wa_id, in today's spelling; None where it is no possible number."""
    try:
        phone = read_phone(f"+{canonical_wa_id(wa_id)}", None)
    except ValueError:
        return None
    return phone if phone.e164 else None


def identity_row(identity: Identity, contact_id: int, now: datetime) -> dict[str, Any]:
    """The row of its BSUID."""
    return {
        "contact_id": contact_id,
        "portfolio_id": identity.portfolio_id,
        "bsuid": identity.bsuid,
        "parent_bsuid": identity.parent_bsuid,
        "created_at": now,
    }


def learn_identity(
    session: Session, contact: Contact, identity: Identity, now: datetime, *, has_moved: bool = True
) -> None:
    """Keep what was shown and not known; a name that somebody gave stays.

    What the person was found by and is found by no more leads to them still (models.contacts.aliases). `has_moved`: another
    WhatsApp number means that they gave the former one up, and do not have two.
    """
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
        known, before = identifiers_of(contact), contact.person_key
        wa_id, phone = new.get("wa_id", contact.wa_id), new.get("phone", contact.phone)
        new["person_key"] = person_key(wa_id=wa_id, phone=phone) if wa_id or phone else before
        session.execute(update(Contact).where(Contact.id == contact.id).values(**new, updated_at=now))
        if {"wa_id", "phone"} & new.keys():
            moved_at = (identity.at or now) if has_moved else None
            _remember(session, contact.id, known, new["person_key"], now, moved_at)
        if new["person_key"] != before:
            lock_under_new_key(session, before, new["person_key"])


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


def _remember(
    session: Session,
    contact_id: int,
    known: dict[str, KnownIdentifier],
    key: str,
    now: datetime,
    moved_at: datetime | None,
) -> None:
    """Whoever else had the number that the person has now has it no more."""
    release_aliases(session, [key])
    known = {before: it for before, it in known.items() if before != key and not before.startswith("shop:")}
    add_aliases(session, contact_id, known, now, moved_at)


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
    """True where the record has the BSUID now; it may come from another record (see models.contacts.resolve)."""
    held = session.scalar(
        select(ContactIdentity).where(
            ContactIdentity.portfolio_id == identity.portfolio_id, ContactIdentity.bsuid == identity.bsuid
        )
    )
    if held is None:
        try:
            with session.begin_nested():
                session.execute(insert(ContactIdentity).values(identity_row(identity, contact_id, now)))
        except IntegrityError:
            return False
        release_aliases(session, [person_key(portfolio_id=identity.portfolio_id, bsuid=identity.bsuid)])
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
