"""Moves a contact to another WhatsApp number after Meta reported the change."""

from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from models.contacts.aliases import KnownIdentifier, add_aliases, identifiers_of
from models.contacts.identity import Identity, copy_engagement, learn_identity
from models.contacts.person_key import person_key
from models.contacts.resolve import lock_identities, matching_contacts, merge_pair
from models.tables.audit import META, AuditAction, record_audit
from models.tables.contact import Contact, ContactIdentity


def change_number(
    session: Session,
    contact_id: int,
    moved_to: Identity,
    now: datetime,
    action: AuditAction = AuditAction.NUMBER_CHANGED,
) -> int:
    """Move the contact to another number and BSUID; return the id of the contact that remains.

    A contact that has the new number already is the same person, who wrote from it before the change was reported, and is
    merged. If its BSUID shows a previous owner of the number, that contact only loses the number. The old number and BSUIDs
    stay as aliases, for events from before the change that Meta delivers late. `action`: the audit's word for it.
    """
    lock_identities(session)
    bsuids = _forget_bsuids(session, contact_id, moved_to)
    moving = session.get_one(Contact, contact_id, populate_existing=True)
    numbers = {key: identifier for key, identifier in identifiers_of(moving).items() if identifier.was_whatsapp}
    for other in matching_contacts(session, moved_to, moved_to.key):
        if other.id == contact_id:
            continue
        other_bsuid = _other_bsuid(session, other.id, moved_to)
        if other_bsuid is not None:
            _remove_number(session, other, moved_to, other_bsuid, now)
        else:
            contact_id = merge_pair(session, contact_id, other.id, now, META)
    survivor = session.get_one(Contact, contact_id, populate_existing=True)
    learn_identity(session, survivor, moved_to, now)
    session.refresh(survivor)
    old_numbers = {key: identifier for key, identifier in numbers.items() if key != survivor.person_key}
    add_aliases(session, contact_id, old_numbers, now, moved_at=moved_to.at or now)
    add_aliases(session, contact_id, bsuids, now)
    record_audit(session, now, META, action, "contact", contact_id, bsuid=moved_to.has_bsuid)
    return contact_id


def _forget_bsuids(session: Session, contact_id: int, moved_to: Identity) -> dict[str, KnownIdentifier]:
    """Delete the BSUIDs of the old number; return them by their person keys."""
    if not moved_to.has_bsuid:
        return {}
    deleted = session.scalars(
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
        for bsuid in deleted
    }


def _other_bsuid(session: Session, contact_id: int, moved_to: Identity) -> str | None:
    """The contact's newest BSUID in this portfolio; None if it has none, or if it has the BSUID of `moved_to`."""
    if not moved_to.has_bsuid:
        return None
    bsuids = session.scalars(
        select(ContactIdentity.bsuid)
        .where(ContactIdentity.contact_id == contact_id, ContactIdentity.portfolio_id == moved_to.portfolio_id)
        .order_by(ContactIdentity.id)
    ).all()
    return bsuids[-1] if bsuids and moved_to.bsuid not in bsuids else None


def _remove_number(session: Session, other: Contact, moved_to: Identity, bsuid: str, now: datetime) -> None:
    """Take the number from the other contact, which keeps its BSUID and its other number, if any."""
    key = moved_to.key
    wa_id = None if other.wa_id and person_key(wa_id=other.wa_id) == key else other.wa_id
    phone = None if other.phone and person_key(phone=other.phone) == key else other.phone
    new_key = person_key(wa_id=wa_id, phone=phone, portfolio_id=moved_to.portfolio_id, bsuid=bsuid)
    old_key = other.person_key
    session.execute(
        update(Contact)
        .where(Contact.id == other.id)
        .values(wa_id=wa_id, phone=phone, person_key=new_key, has_identity=True, updated_at=now)
        .execution_options(synchronize_session=False)
    )
    session.expire(other)
    copy_engagement(session, old_key, new_key)
    has_number = bool(wa_id or phone)
    record_audit(session, now, META, AuditAction.NUMBER_REASSIGNED, "contact", other.id, has_number=has_number)
