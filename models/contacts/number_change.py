"""A person who has another number from now on, as WhatsApp says it: their record follows them."""

from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from models.contacts.aliases import KnownIdentifier, add_aliases, identifiers_of
from models.contacts.identity import Identity, learn_identity, lock_under_new_key
from models.contacts.phone import mask_phone, person_key
from models.contacts.resolve import lock_identities, matching_contacts, merge_pair
from models.tables.audit import META, AuditAction, record_audit
from models.tables.contact import Contact, ContactIdentity


def change_number(session: Session, contact_id: int, moved_to: Identity, now: datetime) -> int:
    """Move the person to another number, and with it to another BSUID; the id of their one record.

    A record that the new number has already is theirs, because they wrote from it before we were told, and is merged; unless
    its own BSUID says that it is of somebody who had the number before: that person loses the number alone. What the person
    had leads to them still, for what they said before and Meta brings late.
    """
    lock_identities(session)
    bsuids = _forget_bsuids(session, contact_id, moved_to)
    moving = session.get_one(Contact, contact_id, populate_existing=True)
    before, numbers = _number(moving), {key: it for key, it in identifiers_of(moving).items() if it.was_whatsapp}
    for other in matching_contacts(session, moved_to, moved_to.key):
        if other.id == contact_id:
            continue
        former = _bsuid_of_somebody_else(session, other.id, moved_to)
        if former is not None:
            _take_number(session, other, moved_to, former, now)
        else:
            contact_id = merge_pair(session, contact_id, other.id, now, META)
    survivor = session.get_one(Contact, contact_id, populate_existing=True)
    learn_identity(session, survivor, moved_to, now)
    session.refresh(survivor)
    left = {key: it for key, it in numbers.items() if key != survivor.person_key}
    add_aliases(session, contact_id, left, now, moved_at=moved_to.at or now)
    add_aliases(session, contact_id, bsuids, now)
    after = _number(survivor)
    record_audit(
        session,
        now,
        META,
        AuditAction.NUMBER_CHANGED,
        "contact",
        contact_id,
        before=before,
        after=after,
        bsuid=moved_to.has_bsuid,
    )
    return contact_id


def _number(contact: Contact) -> str:
    """As the audit shows it."""
    return mask_phone(contact.wa_id or contact.phone)


def _forget_bsuids(session: Session, contact_id: int, moved_to: Identity) -> dict[str, KnownIdentifier]:
    """Those of the former number, by their keys."""
    if not moved_to.has_bsuid:
        return {}
    gone = session.scalars(
        delete(ContactIdentity)
        .where(
            ContactIdentity.portfolio_id == moved_to.portfolio_id,
            ContactIdentity.bsuid != moved_to.bsuid,
            ContactIdentity.contact_id == contact_id,
        )
        .returning(ContactIdentity.bsuid)
        .execution_options(synchronize_session=False)
    )
    return {
        person_key(portfolio_id=moved_to.portfolio_id, bsuid=bsuid): KnownIdentifier(bsuid, was_whatsapp=True)
        for bsuid in gone
    }


def _bsuid_of_somebody_else(session: Session, contact_id: int, moved_to: Identity) -> str | None:
    """The record's BSUID, where it has one in this portfolio and not the one that the person has now."""
    if not moved_to.has_bsuid:
        return None
    held = session.scalars(
        select(ContactIdentity.bsuid)
        .where(ContactIdentity.contact_id == contact_id, ContactIdentity.portfolio_id == moved_to.portfolio_id)
        .order_by(ContactIdentity.id)
    ).all()
    return held[-1] if held and moved_to.bsuid not in held else None


def _take_number(session: Session, other: Contact, moved_to: Identity, bsuid: str, now: datetime) -> None:
    """The other one stays a person, known by their BSUID, or by what else they have."""
    before, key = _number(other), moved_to.key
    wa_id = None if other.wa_id and person_key(wa_id=other.wa_id) == key else other.wa_id
    phone = None if other.phone and person_key(phone=other.phone) == key else other.phone
    left = person_key(wa_id=wa_id, phone=phone, portfolio_id=moved_to.portfolio_id, bsuid=bsuid)
    former = other.person_key
    session.execute(
        update(Contact)
        .where(Contact.id == other.id)
        .values(wa_id=wa_id, phone=phone, person_key=left, has_identity=True, updated_at=now)
        .execution_options(synchronize_session=False)
    )
    session.expire(other)
    lock_under_new_key(session, former, left)
    after = mask_phone(wa_id or phone) if wa_id or phone else None
    record_audit(session, now, META, AuditAction.NUMBER_REASSIGNED, "contact", other.id, before=before, after=after)
