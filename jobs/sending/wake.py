"""Wakes senders from the database: a wake-up that was lost with Redis or a killed worker is made again within seconds."""

from datetime import datetime

from sqlalchemy import select

from jobs.core.runtime import Runtime
from jobs.core.wake_ups import SERVE_NUMBER
from jobs.sending.campaign_feed import per_second
from models.sending.claim import has_due
from models.sending.lease import live_lanes
from models.sending.number_rate import number_rate
from models.tables.campaign import Campaign, CampaignStatus
from models.tables.number import Number

RATE_OF_A_LANE = 500.0
"""Messages per second that one lane can send."""
MAX_LANES = 4


def wake_senders(rt: Runtime, now: datetime) -> int:
    """Wake a lane for each number that lacks one; return how many were woken.

    A lane ends by itself after a minute or when nothing is due; this starts its successor.
    """
    return sum(SERVE_NUMBER.enqueue(rt.redis, number_id) for number_id in lacking_lanes(rt, now))


def lacking_lanes(rt: Runtime, now: datetime) -> set[int]:
    """The ids of numbers that have recipients due and fewer lanes than their pace needs."""
    with rt.database.read() as session:
        campaigns = session.scalars(
            select(Campaign)
            .join(Number, Number.id == Campaign.number_id)
            .where(
                Campaign.status == CampaignStatus.ACTIVE,
                Campaign.launched_at.is_not(None),
                Number.stopped_at.is_(None),
                Number.held_until.is_(None) | (Number.held_until <= now),
            )
        ).all()
        rates: dict[int, float] = {}
        for campaign in campaigns:
            if campaign.number_id is not None and has_due(session, campaign.id, now):
                rates[campaign.number_id] = rates.get(campaign.number_id, 0.0) + per_second(campaign)
        lanes = live_lanes(session)
        limits = {number_id: number_rate(session.get_one(Number, number_id)) for number_id in rates}
    return {
        number_id
        for number_id, rate in rates.items()
        if lanes.get(number_id, 0) < min(MAX_LANES, 1 + int(min(rate, limits[number_id]) // RATE_OF_A_LANE))
    }
