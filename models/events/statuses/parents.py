"""Stores the parent's user id of people whom statuses name (docs/meta.md §7.9)."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.db.bulk import among
from models.events.types import Status
from models.tables.contact import ContactIdentity
from models.tables.number import Number, Waba


def learn_parents(session: Session, statuses: Iterable[Status]) -> None:
    """Store `parent_bsuid` with the user id that the status has beside it, in the portfolio of its number, by Meta's newest status.

    A user id that no contact has is not stored: a status alone makes no contact.
    """
    parents = {
        (status.phone_number_id, status.bsuid): status.parent_bsuid
        for status in sorted(statuses, key=lambda status: status.at)
        if status.parent_bsuid and status.bsuid and status.phone_number_id
    }
    bsuids = sorted({bsuid for _, bsuid in parents if bsuid})
    if not bsuids:
        return
    rows = session.execute(
        select(Number.phone_number_id, ContactIdentity)
        .join(Waba, Waba.id == Number.waba_id)
        .join(ContactIdentity, ContactIdentity.portfolio_id == Waba.portfolio_id)
        .where(among(session, ContactIdentity.bsuid, bsuids))
        .order_by(ContactIdentity.id)
    )
    for phone_number_id, identity in rows:
        parent = parents.get((phone_number_id, identity.bsuid))
        if parent is not None and identity.parent_bsuid != parent:
            identity.parent_bsuid = parent
    session.flush()
