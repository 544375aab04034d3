"""Lets held campaigns, and then everything else, go on: each by an operator's decision."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from models.db.dialect import NO_SYNC, literal_word
from models.errors import OperatorError
from models.restore.hold import current_hold
from models.tables.audit import AuditAction, record_audit
from models.tables.campaign import LIVE, Campaign, CampaignStatus
from models.tables.conversation import Message, MessageState
from models.tables.database_hold import DatabaseHold, HeldCampaign
from models.tables.flow import Action, ActionKind, ActionState

MAY_START = (CampaignStatus.DRAFT, CampaignStatus.READY, CampaignStatus.SCHEDULED)


class HeldError(OperatorError):
    """The campaign may have been sent after the copy of the database was made."""


class HeldRow(NamedTuple):
    """A held campaign. `status` is that of the copy."""

    campaign_id: int
    name: str
    status: CampaignStatus
    is_settled: bool
    is_released: bool


def _check_marks(session: Session, campaign_id: int) -> None:
    hold = current_hold(session)
    if hold is not None and hold.marks_done_at is None:
        raise HeldError(
            "campaign {campaign_id}: the database was put back from a copy, and those who unsubscribed since are still being"
            " unsubscribed again; try again in a moment",
            campaign_id=campaign_id,
        )


def may_have_been_sent(session: Session, campaign_id: int) -> bool:
    """Whether the campaign waited for its start in the copy and no operator let it go on: it starts only on purpose."""
    held = session.get(HeldCampaign, campaign_id)
    return held is not None and held.released_at is None and held.status in MAY_START


def check_start(session: Session, campaign_id: int, *, is_after_restore: bool) -> None:
    """Raises HeldError if the campaign stood in the copy and its start was not asked for all the same, or opt-outs are missing."""
    _check_marks(session, campaign_id)
    if not is_after_restore and may_have_been_sent(session, campaign_id):
        raise HeldError(
            "campaign {campaign_id}: the database was put back from a copy, and this campaign may have been sent since;"
            " if it was not, start it with --after-restore",
            campaign_id=campaign_id,
        )


def check_resume(session: Session, campaign_id: int) -> None:
    """Raises HeldError while people who may have the message are not all marked as unsure, or opt-outs are missing."""
    _check_marks(session, campaign_id)
    held = session.get(HeldCampaign, campaign_id)
    if held is not None and held.released_at is None and held.status in LIVE and held.settled_at is None:
        raise HeldError(
            "campaign {campaign_id}: the database was put back from a copy, and those who may have the message are still"
            " being marked as unsure; try again in a moment",
            campaign_id=campaign_id,
        )


def release_campaign(session: Session, campaign_id: int, actor: str, now: datetime) -> None:
    """Note that an operator let the campaign go on; nothing happens if it is not held."""
    released = session.execute(
        update(HeldCampaign)
        .where(HeldCampaign.campaign_id == campaign_id, HeldCampaign.released_at.is_(None))
        .values(released_at=now)
        .returning(HeldCampaign.hold_id),
        execution_options=NO_SYNC,
    ).first()
    if released is not None:
        record_audit(session, now, actor, AuditAction.RELEASE_HOLD, "campaign", campaign_id)


def held_campaigns(session: Session, hold: DatabaseHold) -> list[HeldRow]:
    """The campaigns of a hold, without those that ended or were deleted since; newest first."""
    query = (
        select(HeldCampaign, Campaign.name)
        .join(Campaign, Campaign.id == HeldCampaign.campaign_id)
        .where(
            HeldCampaign.hold_id == hold.id,
            Campaign.status != CampaignStatus.ENDED,
            Campaign.deleted_at.is_(None),
        )
        .order_by(Campaign.id.desc())
    )
    return [
        HeldRow(
            held.campaign_id,
            name,
            held.status,
            is_settled=held.settled_at is not None or held.status in MAY_START,
            is_released=held.released_at is not None,
        )
        for held, name in session.execute(query)
    ]


def release_hold(session: Session, actor: str, now: datetime) -> int:
    """End the hold: answers and timers go on. Returns how many answers of the copy became unsure.

    An answer that was queued in the copy may have been sent since, and a timer that was due may have rung: neither happens
    again. Raises OperatorError if nothing is held.
    """
    hold = current_hold(session)
    if hold is None:
        raise OperatorError("nothing is held: the database is the newest that is known")
    if hold.marks_done_at is None:
        raise OperatorError(
            "those who unsubscribed since the copy are still being unsubscribed again; try again in a moment"
        )
    waiting = or_(Message.state == literal_word("queued"), Message.state == literal_word("sending"))
    unsure_ids = session.scalars(
        update(Message)
        .where(waiting, Message.at <= hold.noticed_at)
        .values(state=MessageState.UNSURE, unsure_at=now)
        .returning(Message.id),
        execution_options=NO_SYNC,
    ).all()
    session.execute(
        update(Action)
        .where(Action.kind == ActionKind.TIMER, Action.state == ActionState.PENDING, Action.due_at <= hold.noticed_at)
        .values(state=ActionState.CANCELLED),
        execution_options=NO_SYNC,
    )
    hold.released_at, hold.released_by = now, actor
    record_audit(session, now, actor, AuditAction.RELEASE_HOLD, "database", hold.id, unsure=len(unsure_ids))
    return len(unsure_ids)
