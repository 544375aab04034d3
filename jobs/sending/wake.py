"""Wakes senders from the database: a wake-up that was lost with Redis or a killed worker is made again within seconds."""

from datetime import datetime

from sqlalchemy import select

from jobs.core.runtime import Runtime
from jobs.core.wake_ups import SERVE_NUMBER
from jobs.sending.campaign_feed import per_second
from models.sending.lease import live_lanes
from models.sending.number_rate import number_rate
from models.sending.open_cohorts import has_due, open_cohorts
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
        is_running = Number.stopped_at.is_(None), Number.held_until.is_(None) | (Number.held_until <= now)
        numbers = {number.id: number for number in session.scalars(select(Number).where(*is_running))}
        rates: dict[int, float] = {}
        counted: set[int] = set()
        for cohort in open_cohorts(session, now):
            campaign = cohort.campaign
            if campaign.number_id not in numbers or campaign.id in counted or not has_due(session, cohort, now):
                continue
            counted.add(campaign.id)
            rates[campaign.number_id] = rates.get(campaign.number_id, 0.0) + per_second(campaign)
        lanes = live_lanes(session)
        limits = {number_id: number_rate(numbers[number_id]) for number_id in rates}
    return {
        number_id
        for number_id, rate in rates.items()
        if lanes.get(number_id, 0) < min(MAX_LANES, 1 + int(min(rate, limits[number_id]) // RATE_OF_A_LANE))
    }
