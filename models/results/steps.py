"""Counts how many people of a campaign passed each named step of its bot flow, and how long they took from step to step."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from models.db.functions import SecondsBetween
from models.tables.campaign import Campaign
from models.tables.flow import FunnelStep
from models.tables.recipient import Recipient


@dataclass(frozen=True, slots=True)
class StepFigures:
    """A step. `median_seconds`: from a person's step before, of the first one from Meta's acceptance; None if nobody tells."""

    step: str
    people: int
    median_seconds: float | None


def count_steps(session: Session, campaign_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """People by step, by campaign, most people first. A campaign of whose flow nobody passed a step is absent."""
    found: dict[int, dict[str, int]] = {}
    with_flow = select(Campaign.id).where(Campaign.id.in_(campaign_ids), Campaign.flow_id.is_not(None))
    ids = session.scalars(with_flow).all() if campaign_ids else ()
    for campaign_id in ids:  # each by itself: the planner then reads the campaign's rows alone
        people = func.count().label("people")
        query = (
            select(FunnelStep.step, people)
            .join(Recipient, Recipient.id == FunnelStep.recipient_id)
            .where(Recipient.campaign_id == campaign_id)
            .group_by(FunnelStep.step)
            .order_by(people.desc(), FunnelStep.step)
        )
        steps = {row.step: row.people for row in session.execute(query)}
        if steps:
            found[campaign_id] = steps
    return found


def step_funnel(session: Session, campaign_id: int) -> list[StepFigures]:
    """The steps of a campaign as a funnel: most people first, of equal ones the one that was passed first."""
    begun = func.coalesce(Recipient.accepted_at, Recipient.sent_at)
    of_person: dict[str, Any] = {"partition_by": FunnelStep.recipient_id, "order_by": (FunnelStep.at, FunnelStep.id)}
    before = func.coalesce(func.lag(FunnelStep.at).over(**of_person), begun)
    seconds = SecondsBetween(before, FunnelStep.at)
    passed = (
        select(
            FunnelStep.step,
            FunnelStep.at,
            # Our clock may be behind Meta's, which says when the message was accepted.
            case((seconds < 0, 0.0), else_=seconds).label("seconds"),
        )
        .join(Recipient, Recipient.id == FunnelStep.recipient_id)
        .where(Recipient.campaign_id == campaign_id)
        .cte("passed")
    )
    of_step: dict[str, Any] = {"partition_by": passed.c.step}
    ranked = (
        select(
            passed.c.step,
            passed.c.seconds,
            func.row_number().over(**of_step, order_by=passed.c.seconds).label("place"),
            func.count().over(**of_step).label("known"),
        )
        .where(passed.c.seconds.is_not(None))
        .cte("ranked")
    )
    twice = 2 * ranked.c.place  # the middle one, or the two in the middle
    middle = select(ranked.c.step, func.avg(ranked.c.seconds).label("median")).where(
        twice.between(ranked.c.known, ranked.c.known + 2)
    )
    medians = {row.step: float(row.median) for row in session.execute(middle.group_by(ranked.c.step))}
    people, first = func.count().label("people"), func.min(passed.c.at)
    counts = select(passed.c.step, people).group_by(passed.c.step).order_by(people.desc(), first, passed.c.step)
    return [StepFigures(row.step, row.people, medians.get(row.step)) for row in session.execute(counts)]
