"""Moves a contact to another user id after Meta reported the change (docs/meta.md §7.6).

Nothing else of the person changes: consent, tags, engagement, case and bot flow stay with the contact.
"""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.contacts.aliases import KnownIdentifier, add_aliases, aliased_contacts
from models.contacts.identity import Identity
from models.contacts.number_change import change_number
from models.contacts.person_key import person_key
from models.contacts.resolve import lock_identities
from models.contacts.user_ids import later_user_ids, remember_user_id
from models.tables.audit import AuditAction
from models.tables.contact import Contact, ContactIdentity


def change_user_id(session: Session, before: Identity, after: Identity, now: datetime) -> int | None:
    """Replace the user id of `before` by that of `after`, and return the contact's id; both have a BSUID and a portfolio.

    The change is remembered in any case. If later changes are known already, the person gets the newest id. If somebody has the
    new id already, both are one person and are merged. None if neither id is known: no contact is created.
    """
    portfolio_id, bsuid, new_bsuid, at = before.portfolio_id, before.bsuid, after.bsuid, after.at or now
    if portfolio_id is None or bsuid is None or new_bsuid is None:
        raise ValueError("a change of a user id needs both ids and their portfolio")
    lock_identities(session)
    remember_user_id(session, portfolio_id, bsuid, new_bsuid, at, now)
    ids = later_user_ids(session, portfolio_id, bsuid) or [new_bsuid]
    former = {
        person_key(portfolio_id=portfolio_id, bsuid=one): KnownIdentifier(one, was_whatsapp=True)
        for one in (bsuid, *ids[:-1])
    }
    present = _holder(session, portfolio_id, ids[-1])
    holders = [_holder(session, portfolio_id, one) for one in (bsuid, *ids[:-1])]
    earlier = dict.fromkeys(holder for holder in holders if holder is not None and holder != present)
    contact_id = present
    for holder_id in earlier:
        moved_to = _present_identity(session, replace(after, bsuid=ids[-1], at=at), contact_id)
        contact_id = change_number(session, holder_id, moved_to, now, AuditAction.USER_ID_CHANGED)
    if contact_id is not None:
        add_aliases(session, contact_id, former, now)
    return contact_id


def latest_identity(session: Session, moved_to: Identity) -> Identity:
    """What a reported change leads to: the identity itself, or a later one if its user id was replaced meanwhile."""
    if moved_to.portfolio_id is None or moved_to.bsuid is None:
        return moved_to
    ids = later_user_ids(session, moved_to.portfolio_id, moved_to.bsuid)
    if not ids:
        return moved_to
    holder_id = _holder(session, moved_to.portfolio_id, ids[-1])
    return _present_identity(session, replace(moved_to, bsuid=ids[-1]), holder_id)


def _present_identity(session: Session, moved_to: Identity, holder_id: int | None) -> Identity:
    """`moved_to` with the number of who has its user id now: they wrote from it before the change was reported."""
    wa_id = session.scalar(select(Contact.wa_id).where(Contact.id == holder_id)) if holder_id is not None else None
    return replace(moved_to, wa_id=wa_id or moved_to.wa_id)


def _holder(session: Session, portfolio_id: int, bsuid: str) -> int | None:
    """The contact that has the user id, else the one that had it before."""
    holder = session.scalar(
        select(ContactIdentity.contact_id).where(
            ContactIdentity.portfolio_id == portfolio_id, ContactIdentity.bsuid == bsuid
        )
    )
    key = person_key(portfolio_id=portfolio_id, bsuid=bsuid)
    return holder if holder is not None else aliased_contacts(session, [key]).get(key)
