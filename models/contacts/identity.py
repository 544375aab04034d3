"""Describes how a webhook, a shop or an operator identifies a person, and updates the contact with what is new in it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.contacts.aliases import KnownIdentifier, add_aliases, identifiers_of, release_aliases
from models.contacts.person_key import canonical_wa_id, person_key
from models.contacts.phone import Phone, read_phone
from models.tables.contact import Contact, ContactIdentity
from models.tables.engagement import Engagement


@dataclass(frozen=True, slots=True)
class Identity:
    """Identifiers of a person. `phone` is E.164, `wa_id` as Meta writes it; a BSUID needs its portfolio (`docs/meta.md` §7.9)."""

    wa_id: str | None = None
    phone: str | None = None
    portfolio_id: int | None = None
    bsuid: str | None = None
    parent_bsuid: str | None = None
    name: str | None = None
    username: str | None = None
    at: datetime | None = None
    """Meta's time of the event."""

    @property
    def has_bsuid(self) -> bool:
        """Whether there is a BSUID with its portfolio."""
        return self.bsuid is not None and self.portfolio_id is not None

    @property
    def key(self) -> str:
        """The person_key. Raises ValueError if there is no identifier."""
        return person_key(wa_id=self.wa_id, phone=self.phone, portfolio_id=self.portfolio_id, bsuid=self.bsuid)

    @property
    def keys(self) -> list[str]:
        """The person_key of each identifier."""
        numbers = [person_key(wa_id=number) for number in (self.wa_id, self.phone) if number]
        return numbers + ([person_key(portfolio_id=self.portfolio_id, bsuid=self.bsuid)] if self.has_bsuid else [])


def phone_of_wa_id(wa_id: str) -> Phone | None:
    """Return the phone of a wa_id in its current spelling (`docs/meta.md` §9), or None if it is no possible number."""
    try:
        phone = read_phone(f"+{canonical_wa_id(wa_id)}", None)
    except ValueError:
        return None
    return phone if phone.e164 else None


def identity_row(identity: Identity, contact_id: int, now: datetime) -> dict[str, Any]:
    """Return the `contact_identity` row of the BSUID."""
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
    """Store what is new in `identity`; an existing name stays.

    Replaced identifiers stay as aliases (models.contacts.aliases). `has_moved`: another WhatsApp number means that the person
    gave the old one up, and does not have two.
    """
    new: dict[str, Any] = {}
    if identity.name and not contact.name:
        new["name"] = identity.name[:300]
    if identity.username and identity.username != contact.username:
        new["username"] = identity.username[:100]
    if identity.wa_id and identity.wa_id != contact.wa_id:
        new |= _learn_wa_id(session, contact, identity)
    elif identity.phone and not contact.phone and not _is_phone_taken(session, identity.phone):
        new["phone"] = identity.phone
    if "phone" in new and contact.raw_phone:
        new |= {"raw_phone": None, "phone_problem": None}
    if identity.has_bsuid and _learn_bsuid(session, contact.id, identity, now) and not contact.has_identity:
        new["has_identity"] = True
    if new:
        old_identifiers, before = identifiers_of(contact), contact.person_key
        wa_id, phone = new.get("wa_id", contact.wa_id), new.get("phone", contact.phone)
        new["person_key"] = person_key(wa_id=wa_id, phone=phone) if wa_id or phone else before
        session.execute(update(Contact).where(Contact.id == contact.id).values(**new, updated_at=now))
        if {"wa_id", "phone"} & new.keys():
            moved_at = (identity.at or now) if has_moved else None
            _add_aliases(session, contact.id, old_identifiers, new["person_key"], now, moved_at)
        if new["person_key"] != before:
            copy_engagement(session, before, new["person_key"])


def copy_engagement(session: Session, before: str, after: str) -> None:
    """Copy the engagement of the old person_key to the new one. The old row stays for the recipient that has the old key."""
    engagement = session.scalar(select(Engagement).where(Engagement.person_key == before))
    if engagement is not None and session.get(Engagement, after) is None:
        session.execute(
            insert(Engagement).values(
                person_key=after,
                campaign_id=engagement.campaign_id,
                contact_id=engagement.contact_id,
                created_at=engagement.created_at,
            )
        )


def _add_aliases(
    session: Session,
    contact_id: int,
    identifiers: dict[str, KnownIdentifier],
    key: str,
    now: datetime,
    moved_at: datetime | None,
) -> None:
    """Store the old identifiers as aliases, and remove aliases of others for the number that the person has now."""
    release_aliases(session, [key])
    old = {name: it for name, it in identifiers.items() if name != key and not name.startswith("shop:")}
    add_aliases(session, contact_id, old, now, moved_at)


def _learn_wa_id(session: Session, contact: Contact, identity: Identity) -> dict[str, Any]:
    """Return the wa_id, and the phone if the contact had none or one that belonged to its old wa_id."""
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
    if phone and (contact.phone is None or has_moved) and not _is_phone_taken(session, phone.e164 or ""):
        new |= {"phone": phone.e164, "country": contact.country or phone.country}
    return new


def _is_phone_taken(session: Session, e164: str) -> bool:
    return bool(session.scalar(select(exists().where(Contact.phone == e164))))


def _learn_bsuid(session: Session, contact_id: int, identity: Identity, now: datetime) -> bool:
    """Return whether the contact has the BSUID now; it may come from another contact (see models.contacts.resolve)."""
    row = session.scalar(
        select(ContactIdentity).where(
            ContactIdentity.portfolio_id == identity.portfolio_id, ContactIdentity.bsuid == identity.bsuid
        )
    )
    if row is None:
        try:
            with session.begin_nested():
                session.execute(insert(ContactIdentity).values(identity_row(identity, contact_id, now)))
        except IntegrityError:
            return False
        release_aliases(session, [person_key(portfolio_id=identity.portfolio_id, bsuid=identity.bsuid)])
    elif row.contact_id != contact_id:
        _move_identity(session, row, contact_id)
    elif identity.parent_bsuid and row.parent_bsuid != identity.parent_bsuid:
        row.parent_bsuid = identity.parent_bsuid
    return True


def _move_identity(session: Session, row: ContactIdentity, contact_id: int) -> None:
    old_contact_id = row.contact_id
    session.execute(update(ContactIdentity).where(ContactIdentity.id == row.id).values(contact_id=contact_id))
    remaining = session.scalar(
        select(func.count()).select_from(ContactIdentity).where(ContactIdentity.contact_id == old_contact_id)
    )
    if not remaining:  # the contact has a wa_id, else it would have been merged: the CHECK on identity holds
        session.execute(update(Contact).where(Contact.id == old_contact_id).values(has_identity=False))
