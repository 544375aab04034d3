"""Fills a list with people of a campaign, a range of recipients at a time.

The cursor moves in the transaction that adds the members, so a range is done once, whoever does it and however often it is tried.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from models.contacts.tagging import add_members, is_deleted_name
from models.db.dialect import NO_SYNC
from models.segments.campaign_people import PeopleChoice, read_people_choice
from models.tables.contact import Contact
from models.tables.list_fill import ListFill
from models.tables.recipient import Recipient
from models.tables.tag import ContactList

SLICE = 5_000
KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class FillProgress:
    """How far a list is filled: people of the campaign that were looked at, of all, and how many were added."""

    fill_id: int
    campaign_id: int
    choice: PeopleChoice
    looked_at: int
    total: int
    added: int
    is_done: bool

    @property
    def percent(self) -> int:
        """How much of it is done, 0 to 100."""
        return 100 if self.is_done else min(99, 100 * self.looked_at // max(self.total, 1))


def begin_fill(
    session: Session, list_id: int, campaign_id: int, choice: PeopleChoice, actor: str, now: datetime
) -> ListFill:
    """Note that the list is to be filled with these people."""
    of_campaign = select(func.min(Recipient.id), func.max(Recipient.id)).where(Recipient.campaign_id == campaign_id)
    first, last = session.execute(of_campaign).one()
    begin = (first or 1) - 1
    fill = ListFill(
        list_id=list_id,
        campaign_id=campaign_id,
        people=choice.to_fields(),
        after_id=begin,
        begin_id=begin,
        until_id=last or 0,
        added=0,
        actor=actor,
        created_at=now,
        finished_at=None if last else now,
    )
    session.add(fill)
    session.flush()
    return fill


def fill_slice(session: Session, fill_id: int, now: datetime, size: int = SLICE) -> bool:
    """Add the people of the next `size` recipients. True: there is more to do."""
    fill = session.get(ListFill, fill_id, populate_existing=True)
    if fill is None or fill.finished_at is not None:
        return False
    list_name = session.scalar(
        select(ContactList.name).where(ContactList.id == fill.list_id).with_for_update(key_share=True)
    )
    after, until = fill.after_id, min(fill.after_id + size, fill.until_id)
    is_last = until >= fill.until_id or list_name is None or is_deleted_name(list_name)
    moved = session.execute(
        update(ListFill)
        .where(ListFill.id == fill_id, ListFill.after_id == after, ListFill.finished_at.is_(None))
        .values(after_id=until, finished_at=now if is_last else None)
        .returning(ListFill.id),
        execution_options=NO_SYNC,
    ).first()
    if moved is None or list_name is None or is_deleted_name(list_name):
        return False
    choice = read_people_choice(fill.people)
    chosen = select(Recipient.contact_id).where(
        Recipient.id > after,
        Recipient.id <= until,
        Recipient.campaign_id == fill.campaign_id,
        *choice.conditions(Recipient),
    )
    # Locked, so that none of them is merged or redacted meanwhile.
    people = select(Contact.id).where(
        Contact.id.in_(chosen), Contact.merged_into_id.is_(None), Contact.redacted_at.is_(None)
    )
    ids = session.scalars(people.order_by(Contact.id).with_for_update(key_share=True)).all()
    added = add_members(session, fill.list_id, ids, now)
    session.execute(
        update(ListFill).where(ListFill.id == fill_id).values(added=ListFill.added + added), execution_options=NO_SYNC
    )
    return not is_last


def open_fills(session: Session) -> Sequence[int]:
    """The ids of the fillings that are not done."""
    return session.scalars(select(ListFill.id).where(ListFill.finished_at.is_(None)).order_by(ListFill.id)).all()


def fills_of_list(session: Session, list_id: int, limit: int = 5) -> list[FillProgress]:
    """How the list is or was filled, the newest first."""
    query = select(ListFill).where(ListFill.list_id == list_id).order_by(ListFill.id.desc()).limit(limit)
    return [
        FillProgress(
            fill.id,
            fill.campaign_id,
            read_people_choice(fill.people),
            fill.after_id - fill.begin_id,
            max(fill.until_id - fill.begin_id, 0),
            fill.added,
            fill.finished_at is not None,
        )
        for fill in session.scalars(query)
    ]


def purge_list_fills(session: Session, now: datetime, limit: int = 1000) -> int:
    """Delete fillings that were done long ago."""
    ids = session.scalars(select(ListFill.id).where(ListFill.finished_at < now - KEPT).limit(limit)).all()
    if ids:
        session.execute(delete(ListFill).where(ListFill.id.in_(ids)), execution_options=NO_SYNC)
    return len(ids)
