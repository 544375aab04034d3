"""Moves the campaigns of a contact that is merged: its recipients and engagements become those of the winner."""

from typing import Any

from sqlalchemy import and_, delete, exists, insert, select, update
from sqlalchemy.orm import Session, aliased

from models.stored_texts import MERGED
from models.tables.engagement import Engagement
from models.tables.recipient import NotSent, Recipient, RecipientState
from models.tables.recipient_try import RecipientTry
from models.tries.rows import queued_again, take_back


def move_campaigns(session: Session, winner_id: int, loser_id: int, key: str) -> None:
    """Move recipients, which keep their person_key, and engagements: one per campaign and person, of two the older stays."""
    ids = (winner_id, loser_id)
    _cancel_duplicates(session, winner_id, loser_id)
    engagements = session.scalars(
        select(Engagement).where(Engagement.contact_id.in_(ids)).order_by(Engagement.created_at, Engagement.person_key)
    ).all()
    if engagements:
        oldest = engagements[0]
        other_campaign_ids = {row.campaign_id for row in engagements} - {oldest.campaign_id}
        _cancel(session, ids, NotSent.ENGAGED, Recipient.campaign_id.in_(other_campaign_ids))
        session.execute(
            delete(Engagement).where(Engagement.contact_id.in_(ids), Engagement.campaign_id.in_(other_campaign_ids))
        )
        session.execute(update(Engagement).where(Engagement.contact_id.in_(ids)).values(contact_id=winner_id))
        if not session.scalar(select(exists().where(Engagement.person_key == key))):
            row = {"campaign_id": oldest.campaign_id, "contact_id": winner_id, "created_at": oldest.created_at}
            session.execute(insert(Engagement).values(person_key=key, **row))
    for table in (Recipient, RecipientTry):
        session.execute(
            update(table)
            .where(table.contact_id == loser_id)
            .values(contact_id=winner_id)
            .execution_options(synchronize_session=False)
        )


def _cancel_duplicates(session: Session, winner_id: int, loser_id: int) -> None:
    """If both are in one campaign, cancel a queued recipient if the other was begun; of two queued ones keep the winner's."""
    other = aliased(Recipient)
    begun = exists().where(
        other.campaign_id == Recipient.campaign_id,
        other.contact_id.in_((winner_id, loser_id)),
        other.id != Recipient.id,
        other.state.not_in((RecipientState.QUEUED, RecipientState.NOT_SENT)),
    )
    _cancel(session, (winner_id, loser_id), NotSent.DUPLICATE, begun)
    queued_too = exists().where(
        other.campaign_id == Recipient.campaign_id,
        other.contact_id == winner_id,
        other.state == RecipientState.QUEUED,
    )
    _cancel(session, (loser_id,), NotSent.DUPLICATE, queued_too)


def _cancel(session: Session, contact_ids: tuple[int, ...], reason: NotSent, condition: Any) -> None:
    take_back(session, queued_again(session, and_(Recipient.contact_id.in_(contact_ids), condition)))
    session.execute(
        update(Recipient)
        .where(Recipient.contact_id.in_(contact_ids), Recipient.state == RecipientState.QUEUED, condition)
        .values(state=RecipientState.NOT_SENT, reason=reason, detail=MERGED().stored())
        .execution_options(synchronize_session=False)
    )
