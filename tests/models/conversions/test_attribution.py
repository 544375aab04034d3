"""To which message an order belongs, decided from facts alone."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from models.conversions.attribution import CampaignMessage, OrderValue, attribute
from models.conversions.goals import CampaignGoal
from models.conversions.order_value import refunded_milli
from models.tables.conversion import AttributionModel, Touch
from models.tables.goal import GoalEvent
from tests.support.factories.common import NOW
from tests.support.factories.conversions import WEEK, at

LAST, FIRST = AttributionModel.LAST_TOUCH, AttributionModel.FIRST_TOUCH


def message(
    recipient_id: int = 1,
    *,
    accepted: float = 0,
    delivered: float | None = 1,
    read: float | None = None,
    clicks: Sequence[float] = (),
    goals: Sequence[CampaignGoal] = (WEEK,),
) -> CampaignMessage:
    return CampaignMessage(
        recipient_id,
        10 + recipient_id,
        goals,
        at(accepted),
        None if delivered is None else at(delivered),
        None if read is None else at(read),
        [at(click) for click in clicks],
    )


def order(minutes: float = 100) -> OrderValue:
    return OrderValue(7, 5, at(minutes), "EUR", 30_000, 10_000)


def winners(messages: Sequence[CampaignMessage], minutes: float = 100) -> dict[AttributionModel, tuple[int, Touch]]:
    return {row.model: (row.recipient_id, row.touch) for row in attribute(order(minutes), messages)}


def test_an_order_belongs_to_the_last_message_that_was_clicked_else_read_else_delivered() -> None:
    delivered, read, clicked = message(1, delivered=50), message(2, read=40), message(3, read=20, clicks=[21, 30])
    assert winners([delivered, read, clicked])[LAST] == (3, Touch.CLICKED)
    assert winners([delivered, read])[LAST] == (2, Touch.READ)
    assert winners([delivered, message(4, delivered=49)])[LAST] == (1, Touch.DELIVERED)


def test_the_first_touch_is_the_first_of_the_strongest_touches() -> None:
    early, late = message(1, clicks=[10, 90]), message(2, clicks=[20, 30])
    assert winners([early, late]) == {LAST: (1, Touch.CLICKED), FIRST: (1, Touch.CLICKED)}
    early, late = message(1, clicks=[10, 15]), message(2, clicks=[20, 30])
    assert winners([late, early]) == {LAST: (2, Touch.CLICKED), FIRST: (1, Touch.CLICKED)}
    both = list(attribute(order(), [message(1, read=10, clicks=[12, 15])]))
    assert [(row.model, row.touched_at) for row in both] == [(LAST, at(15)), (FIRST, at(12))]


def test_what_happened_after_the_order_does_not_count() -> None:
    assert winners([message(1, delivered=101)]) == {}
    assert winners([message(1, delivered=99, read=101, clicks=[102])])[LAST] == (1, Touch.DELIVERED)
    assert winners([message(1, accepted=101, delivered=None, clicks=[50])]) == {}
    assert winners([message(1, delivered=None)]) == {}


def test_a_click_or_a_reading_counts_although_no_delivery_was_told() -> None:
    assert winners([message(1, delivered=None, read=5)])[LAST] == (1, Touch.READ)
    assert winners([message(1, delivered=None, clicks=[5])])[LAST] == (1, Touch.CLICKED)


@pytest.mark.parametrize(
    ("seconds", "day"), [(0, 1), (1, 1), (86_400, 1), (86_401, 2), (7 * 86_400, 7), (7 * 86_400 + 1, None)]
)
def test_the_window_runs_from_the_acceptance_and_its_last_moment_belongs_to_it(seconds: int, day: int | None) -> None:
    late = OrderValue(7, 5, NOW + timedelta(seconds=seconds), "EUR", 1, 0)
    rows = list(attribute(late, [message(1, delivered=0)]))
    assert [row.within_days for row in rows] == ([day, day] if day else [])


def test_of_several_goals_the_money_counts_in_the_windows_of_those_with_value() -> None:
    goals = (CampaignGoal(GoalEvent.PURCHASE, 1, True), CampaignGoal(GoalEvent.PURCHASE, 30, False))
    rows = [next(iter(attribute(order(minutes), [message(goals=goals)]))) for minutes in (100, 3000)]
    assert [(row.within_days, row.has_value) for row in rows] == [(1, True), (3, False)]


def test_a_campaign_whose_window_is_over_leaves_the_order_to_another_one() -> None:
    day = CampaignGoal(GoalEvent.PURCHASE, 1, True)
    assert winners([message(1, delivered=1), message(2, clicks=[10], goals=[day])], 2000)[LAST] == (1, Touch.DELIVERED)


@pytest.mark.parametrize(
    ("total", "gross", "stated", "single", "expected"),
    [
        (100, None, None, 0, (100, 0)),
        (100, None, 30, 0, (100, 30)),
        (70, 100, None, 30, (100, 30)),
        (100, 100, None, 30, (100, 30)),
        (70, 100, None, 0, (100, 30)),
        (100, None, 30, 40, (100, 40)),
        (100, None, 200, 0, (100, 100)),
        (120, 100, None, 0, (120, 0)),
    ],
)
def test_the_same_refund_is_subtracted_once_however_many_say_it(
    total: int, gross: int | None, stated: int | None, single: int, expected: tuple[int, int]
) -> None:
    assert refunded_milli(total, gross, stated, single) == expected
