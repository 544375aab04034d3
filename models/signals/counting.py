"""Says which campaigns are to be counted for their signals, and stores the counts."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models.campaigns.campaign_type import campaign_type
from models.db.dialect import insert_into
from models.signals.figures import count_figures
from models.signals.sample import id_span
from models.tables.campaign import Campaign, CampaignKind, CampaignStatus
from models.tables.signal import SignalCount

FINAL_AFTER = timedelta(days=8)
"""After the end: statuses come for at most seven days (docs/meta.md §7.3)."""
BUSY = timedelta(hours=1)
"""After this time since its last message most of a campaign's statuses have come."""
BUSY_EVERY, QUIET_EVERY = timedelta(seconds=15), timedelta(minutes=10)
SHARE = 20.0
"""The next count waits this many times as long as the last one took: counting uses at most a twentieth of a core."""


def due_campaigns(session: Session, now: datetime) -> Sequence[int]:
    """The ids of real campaigns that were started and are to be counted now, the newest first."""
    query = (
        select(Campaign.id, Campaign.last_sent_at, Campaign.started_at, SignalCount.counted_at, SignalCount.seconds)
        .outerjoin(SignalCount, SignalCount.campaign_id == Campaign.id)
        .where(
            Campaign.kind == CampaignKind.REAL,
            Campaign.started_at.is_not(None),
            Campaign.deleted_at.is_(None),
            or_(SignalCount.campaign_id.is_(None), SignalCount.is_final.is_(False)),
        )
        .order_by(Campaign.id.desc())
    )
    return [
        row.id
        for row in session.execute(query)
        if row.counted_at is None
        or row.counted_at + _interval(row.last_sent_at or row.started_at, row.seconds, now) <= now
    ]


def count_campaign(session: Session, campaign_id: int, now: datetime) -> SignalCount | None:
    """Count a campaign again; a row that is not in the session. None if it was deleted or never started."""
    campaign = session.get(Campaign, campaign_id)
    if campaign is None or campaign.deleted_at is not None or campaign.started_at is None:
        return None
    span = id_span(session, campaign_id)
    is_over = campaign.status is CampaignStatus.ENDED and campaign.ended_at is not None
    figures = count_figures(session, campaign, span, now)
    return SignalCount(
        campaign_id=campaign_id,
        type=campaign_type(campaign),
        figures={kind.value: figure.to_json() for kind, figure in figures.items()},
        first_id=span.first if span else None,
        last_id=span.last if span else None,
        counted_at=now,
        seconds=0.0,
        is_final=bool(is_over and campaign.ended_at and campaign.ended_at <= now - FINAL_AFTER),
    )


def store_count(session: Session, count: SignalCount) -> None:
    """Store a count, unless a later one is stored already. Does not commit."""
    names = ("type", "figures", "first_id", "last_id", "counted_at", "seconds", "is_final")
    values = {name: getattr(count, name) for name in names}
    statement = insert_into(session, SignalCount).values(campaign_id=count.campaign_id, **values)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["campaign_id"], set_=values, where=SignalCount.counted_at <= count.counted_at
        )
    )


def _interval(last: datetime, seconds: float, now: datetime) -> timedelta:
    """How long the next count waits: `last` is the time of the campaign's last message, `seconds` what the last count took."""
    return max(BUSY_EVERY if last + BUSY > now else QUIET_EVERY, timedelta(seconds=SHARE * seconds))
