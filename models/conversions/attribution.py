"""Decides to which message an order belongs. Pure: the same orders and messages give the same answer in any order.

An order can belong to a message that was accepted before it, in the window of one of the campaign's goals, and that reached the
person before it: they had clicked it, else read it, else it was delivered. A click counts more than a reading, and that more than a
delivery. Among equals the last one counts, or the first one in the model of the first touch.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from models.conversions.goals import CampaignGoal
from models.tables.conversion import AttributionModel, Touch

DAY = timedelta(days=1)
_STRENGTH = {touch: strength for strength, touch in enumerate(reversed(Touch))}


@dataclass(frozen=True, slots=True)
class OrderValue:
    """An order that counts: it is not cancelled. Amounts are thousandths; `refunded_milli` is at most `total_milli`."""

    id: int
    contact_id: int
    ordered_at: datetime
    currency: str
    total_milli: int
    refunded_milli: int


@dataclass(frozen=True, slots=True)
class CampaignMessage:
    """A message of a campaign with goals, as far as it was accepted. `clicks`: a person's clicks, ascending."""

    recipient_id: int
    campaign_id: int
    goals: Sequence[CampaignGoal]
    accepted_at: datetime
    delivered_at: datetime | None
    read_at: datetime | None
    clicks: Sequence[datetime] = ()


class ConversionRow(NamedTuple):
    """The columns of a row of `conversion`, in the order of the table."""

    order_id: int
    model: AttributionModel
    campaign_id: int
    recipient_id: int
    touch: Touch
    touched_at: datetime
    within_days: int
    has_value: bool
    ordered_at: datetime
    currency: str
    total_milli: int
    refunded_milli: int


def attribute(order: OrderValue, messages: Iterable[CampaignMessage]) -> Iterator[ConversionRow]:
    """The rows of one order of a person: one a model, or none. `messages` are the person's, in any order."""
    reaching = [message for message in messages if _counts(order, message)]
    for model in AttributionModel:
        touched = [(touch_before(message, order.ordered_at, model), message) for message in reaching]
        candidates = [(*touch, message) for touch, message in touched if touch is not None]
        if candidates:
            strongest = max(_STRENGTH[touch] for touch, _, _ in candidates)
            equals = [it for it in candidates if _STRENGTH[it[0]] == strongest]
            choose = max if model is AttributionModel.LAST_TOUCH else min
            yield _row(order, model, *choose(equals, key=_place_in_time))


def touch_before(message: CampaignMessage, at: datetime, model: AttributionModel) -> tuple[Touch, datetime] | None:
    """The strongest thing that the person had done with the message by then, and when; None if it had not reached them."""
    if clicks := bisect_right(message.clicks, at):
        return Touch.CLICKED, message.clicks[clicks - 1 if model is AttributionModel.LAST_TOUCH else 0]
    if message.read_at is not None and message.read_at <= at:
        return Touch.READ, message.read_at
    if message.delivered_at is not None and message.delivered_at <= at:
        return Touch.DELIVERED, message.delivered_at
    return None


def day_of_order(message: CampaignMessage, at: datetime) -> int:
    """In which day of 24 hours after the acceptance it falls, from 1; the end of a day belongs to it."""
    return max(1, -(-(at - message.accepted_at) // DAY))


def _counts(order: OrderValue, message: CampaignMessage) -> bool:
    if message.accepted_at > order.ordered_at:
        return False
    day = day_of_order(message, order.ordered_at)
    return any(day <= goal.within_days for goal in message.goals)


def _place_in_time(candidate: tuple[Touch, datetime, CampaignMessage]) -> tuple[datetime, int]:
    """The id decides between two of the same moment."""
    return candidate[1], candidate[2].recipient_id


def _row(
    order: OrderValue, model: AttributionModel, touch: Touch, touched_at: datetime, message: CampaignMessage
) -> ConversionRow:
    day = day_of_order(message, order.ordered_at)
    return ConversionRow(
        order_id=order.id,
        model=model,
        campaign_id=message.campaign_id,
        recipient_id=message.recipient_id,
        touch=touch,
        touched_at=touched_at,
        within_days=day,
        has_value=any(goal.has_value and day <= goal.within_days for goal in message.goals),
        ordered_at=order.ordered_at,
        currency=order.currency,
        total_milli=order.total_milli,
        refunded_milli=order.refunded_milli,
    )
