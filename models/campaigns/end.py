"""Letting people go: at a campaign's end everybody, before it whoever is done for without a message.

Ending a campaign is one transition; what hangs on it is undone in slices, so that no transaction is long. The monitor goes on
with what a dead process left.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from models.db.dialect import NO_SYNC, literal_word
from models.tables.campaign import LIVE, Campaign, CampaignStatus, transition, try_transition
from models.tables.engagement import Engagement
from models.tables.recipient import NotSent, Recipient, RecipientState

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
    """End the campaign and release the first slice; True: call `release_slice` for more. TransitionRefused if it cannot end.

    Rows that are being sent are left to finish.
    """
    transition(session, campaign_id, "end", now, ended_at=now)
    return release_slice(session, campaign_id)


def overdue_campaigns(session: Session, now: datetime) -> list[int]:
    """Campaigns whose time is over: `ends_after_seconds` after the last send, or after the start where nothing was sent."""
    query = select(Campaign).where(Campaign.status.in_(LIVE), Campaign.deleted_at.is_(None)).order_by(Campaign.id)
    return [campaign.id for campaign in session.scalars(query) if _is_overdue(campaign, now)]


def end_if_overdue(session: Session, campaign_id: int, now: datetime) -> bool:
    """End it if its time is over still: a lane may have sent meanwhile, an operator given it more time."""
    campaign = session.get(Campaign, campaign_id, with_for_update=True, populate_existing=True)
    if campaign is None or campaign.status not in LIVE or not _is_overdue(campaign, now):
        return False
    return try_transition(session, campaign_id, "end", now, ended_at=now)


def release_slice(session: Session, campaign_id: int, size: int = SLICE_SIZE) -> bool:
    """Of an ended campaign, leave out up to `size` who still wait and free up to `size` engaged. True: there may be more."""
    if session.scalar(select(Campaign.status).where(Campaign.id == campaign_id)) is not CampaignStatus.ENDED:
        return False
    waiting = (
        select(Recipient.id)
        .where(Recipient.campaign_id == campaign_id, Recipient.state == literal_word(RecipientState.QUEUED))
        .order_by(Recipient.due_at, Recipient.id)
        .limit(size)
    )
    left_out = _affected(
        session,
        update(Recipient)
        .where(Recipient.id.in_(waiting.scalar_subquery()), Recipient.state == literal_word(RecipientState.QUEUED))
        .values(state=RecipientState.NOT_SENT, reason=NotSent.CAMPAIGN_ENDED, due_at=None),
    )
    lock = aliased(Engagement)
    engaged = select(lock.person_key).where(lock.campaign_id == campaign_id).limit(size).scalar_subquery()
    freed = _affected(
        session,
        delete(Engagement).where(Engagement.person_key.in_(engaged), Engagement.campaign_id == campaign_id),
    )
    return max(left_out, freed) >= size


def unreleased_campaigns(session: Session) -> list[int]:
    """Ended campaigns with somebody still waiting or engaged."""
    waiting = exists().where(
        Recipient.campaign_id == Campaign.id, Recipient.state == literal_word(RecipientState.QUEUED)
    )
    engaged = exists().where(Engagement.campaign_id == Campaign.id)
    query = select(Campaign.id).where(Campaign.status == CampaignStatus.ENDED, or_(waiting, engaged))
    return list(session.scalars(query.order_by(Campaign.id)))


def finished_recipients(session: Session, campaign_id: int, limit: int = SLICE_SIZE) -> list[str]:
    """People whom a running campaign holds although they were not sent to, were refused, or whose message failed.

    Whoever settles a row frees its person at once; this finds what was missed. Two counts over indexes say first whether
    there is anything to look for.
    """
    held = session.scalar(select(func.count()).where(Engagement.campaign_id == campaign_id)) or 0
    holding = and_(Recipient.campaign_id == campaign_id, Recipient.state.in_(HOLDING), Recipient.status != "failed")
    if held <= (session.scalar(select(func.count()).where(holding)) or 0):
        return []
    return list(session.scalars(_done(campaign_id).limit(limit)))


def release_finished(session: Session, campaign_id: int, person_keys: Sequence[str]) -> None:
    """Free these people of the campaign, if they are done for still."""
    for start in range(0, len(person_keys), 1000):
        keys = sorted(person_keys[start : start + 1000])
        still = _done(campaign_id).where(Engagement.person_key.in_(keys)).scalar_subquery()
        session.execute(delete(Engagement).where(Engagement.person_key.in_(still)), execution_options=NO_SYNC)


def running_campaigns(session: Session) -> list[int]:
    """Campaigns that hold people on purpose."""
    return list(session.scalars(select(Campaign.id).where(Campaign.status.in_(LIVE)).order_by(Campaign.id)))


def _done(campaign_id: int) -> Select[str]:
    row = aliased(Recipient)
    is_done = exists().where(
        row.campaign_id == Engagement.campaign_id,
        row.person_key == Engagement.person_key,
        or_(row.state.in_([RecipientState.NOT_SENT, RecipientState.REFUSED]), row.status == "failed"),
    )
    return select(Engagement.person_key).where(Engagement.campaign_id == campaign_id, is_done)


def _is_overdue(campaign: Campaign, now: datetime) -> bool:
    since = campaign.last_sent_at or campaign.launched_at or campaign.started_at
    return since is not None and since + timedelta(seconds=campaign.ends_after_seconds) <= now


def _affected(session: Session, statement: Any) -> int:
    result: Any = session.execute(statement, execution_options=NO_SYNC)
    return int(result.rowcount)
