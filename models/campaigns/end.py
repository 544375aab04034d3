"""Ends campaigns and deletes the engagements that keep people from other campaigns.

Ending is one transition. Recipients and engagements of the ended campaign are then released in slices, so that no transaction is
long; the monitor continues what a dead process left. While a campaign runs, the engagements of finished recipients are deleted.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from models.db.dialect import NO_SYNC, literal_word
from models.retry.due import may_be_retried
from models.retry.rule import has_rule_now
from models.tables.campaign import LIVE, Campaign, CampaignStatus, transition, try_transition
from models.tables.engagement import Engagement
from models.tables.recipient import NotSent, Recipient, RecipientState
from models.tries.rows import queued_again, take_back

SLICE_SIZE = 10_000
HOLDING = (
    RecipientState.QUEUED,
    RecipientState.SENDING,
    RecipientState.UNSURE,
    RecipientState.HELD,
    RecipientState.ACCEPTED,
)
"""States that keep a person engaged, unless the message failed."""


def end_campaign(session: Session, campaign_id: int, now: datetime) -> bool:
    """End the campaign and release the first slice. True: the caller must call `release_slice` for more.

    Recipients in `sending` are left to finish. Raises TransitionError if the campaign's state does not allow its end.
    """
    transition(session, campaign_id, "end", now, ended_at=now)
    return release_slice(session, campaign_id)


def overdue_campaigns(session: Session, now: datetime) -> list[int]:
    """The ids of campaigns to end: `ends_after_seconds` passed since the last send, or since the launch if nothing was sent.

    One whose rule may still try somebody again goes on.
    """
    query = select(Campaign).where(Campaign.status.in_(LIVE), Campaign.deleted_at.is_(None)).order_by(Campaign.id)
    return [campaign.id for campaign in session.scalars(query).all() if _is_overdue(session, campaign, now)]


def end_if_overdue(session: Session, campaign_id: int, now: datetime) -> bool:
    """End the campaign if it is still overdue; True if it ended.

    Since `overdue_campaigns` a lane may have sent, or an operator may have given the campaign more time.
    """
    campaign = session.get(Campaign, campaign_id, with_for_update=True, populate_existing=True)
    if campaign is None or campaign.status not in LIVE or not _is_overdue(session, campaign, now):
        return False
    return try_transition(session, campaign_id, "end", now, ended_at=now)


def release_slice(session: Session, campaign_id: int, size: int = SLICE_SIZE) -> bool:
    """Release up to `size` queued recipients and up to `size` engagements of an ended campaign. True: there may be more.

    Released recipients become `not_sent` with the reason `campaign_ended`; one that waits for another try shows the one before
    instead. False also if the campaign has not ended.
    """
    if session.scalar(select(Campaign.status).where(Campaign.id == campaign_id)) is not CampaignStatus.ENDED:
        return False
    queued_ids = (
        select(Recipient.id)
        .where(Recipient.campaign_id == campaign_id, Recipient.state == literal_word(RecipientState.QUEUED))
        .limit(size)
    )
    taken = take_back(session, queued_again(session, Recipient.id.in_(queued_ids.scalar_subquery())))
    released = len(taken)
    released += _affected(
        session,
        update(Recipient)
        .where(Recipient.id.in_(queued_ids.scalar_subquery()), Recipient.state == literal_word(RecipientState.QUEUED))
        .values(state=RecipientState.NOT_SENT, reason=NotSent.CAMPAIGN_ENDED, due_at=None),
    )
    engagement = aliased(Engagement)
    person_keys = (
        select(engagement.person_key).where(engagement.campaign_id == campaign_id).limit(size).scalar_subquery()
    )
    deleted = _affected(
        session,
        delete(Engagement).where(Engagement.person_key.in_(person_keys), Engagement.campaign_id == campaign_id),
    )
    return max(released, deleted) >= size


def unreleased_campaigns(session: Session) -> list[int]:
    """The ids of ended campaigns that still have queued recipients or engagements."""
    waiting = exists().where(
        Recipient.campaign_id == Campaign.id, Recipient.state == literal_word(RecipientState.QUEUED)
    )
    engaged = exists().where(Engagement.campaign_id == Campaign.id)
    query = select(Campaign.id).where(Campaign.status == CampaignStatus.ENDED, or_(waiting, engaged))
    return list(session.scalars(query.order_by(Campaign.id)))


def finished_recipients(session: Session, campaign_id: int, limit: int = SLICE_SIZE) -> list[str]:
    """The person keys that are engaged although their recipient is `not_sent` or `refused`, or its message failed.

    Such an engagement is normally deleted together with the change of the recipient; this finds those that were missed. Two
    counts over indexes decide first whether there can be any.
    """
    engaged_count = session.scalar(select(func.count()).where(Engagement.campaign_id == campaign_id)) or 0
    holding = and_(Recipient.campaign_id == campaign_id, Recipient.state.in_(HOLDING), Recipient.status != "failed")
    if engaged_count <= (session.scalar(select(func.count()).where(holding)) or 0):
        return []
    return list(session.scalars(_finished(campaign_id).limit(limit)))


def release_finished(session: Session, campaign_id: int, person_keys: Sequence[str]) -> None:
    """Delete the campaign's engagements of these people, if their recipients are finished_keys finished."""
    for start in range(0, len(person_keys), 1000):
        keys = sorted(person_keys[start : start + 1000])
        finished_keys = _finished(campaign_id).where(Engagement.person_key.in_(keys)).scalar_subquery()
        session.execute(delete(Engagement).where(Engagement.person_key.in_(finished_keys)), execution_options=NO_SYNC)


def running_campaigns(session: Session) -> list[int]:
    """The ids of active and paused campaigns, which keep their engagements on purpose."""
    return list(session.scalars(select(Campaign.id).where(Campaign.status.in_(LIVE)).order_by(Campaign.id)))


def _finished(campaign_id: int) -> Select[str]:
    row = aliased(Recipient)
    is_done = exists().where(
        row.campaign_id == Engagement.campaign_id,
        row.person_key == Engagement.person_key,
        or_(row.state.in_([RecipientState.NOT_SENT, RecipientState.REFUSED]), row.status == "failed"),
    )
    return select(Engagement.person_key).where(Engagement.campaign_id == campaign_id, is_done)


def ends_at(campaign: Campaign) -> datetime | None:
    """When a running campaign ends by itself if nothing more is sent; None before its start."""
    since = campaign.last_sent_at or campaign.launched_at or campaign.started_at
    return None if since is None else since + timedelta(seconds=campaign.ends_after_seconds)


def _is_overdue(session: Session, campaign: Campaign, now: datetime) -> bool:
    at = ends_at(campaign)
    return at is not None and at <= now and not (has_rule_now(campaign, now) and may_be_retried(session, campaign.id))


def _affected(session: Session, statement: Any) -> int:
    result: Any = session.execute(statement, execution_options=NO_SYNC)
    return int(result.rowcount)
