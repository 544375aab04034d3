"""The whole rate of a number: all of it for campaigns while nobody is answered, nine tenths while replies come."""

import time
from bisect import bisect_left

import pytest
from redis import Redis

from jobs.sending import pace as pace_module
from jobs.sending.pace import REPLIES_SECONDS, Pace, SendSlot

RATE = 50.0


def times_of(slots: list[SendSlot]) -> list[float]:
    """The times of all requests, in seconds of Redis's clock."""
    ends = [(int(slot.clocks[0]) / 1e6, slot.number_step / 1e6, slot.size) for slot in slots]
    return sorted(end - step * (size - place) for end, step, size in ends for place in range(size))


def fullest(times: list[float]) -> int:
    """The most requests of a sliding second."""
    return max(bisect_left(times, at + 1.0 - 1e-5) - place for place, at in enumerate(times))


def campaign_sends(pace: Pace, seconds: float) -> list[SendSlot]:
    slots, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        slot = pace.reserve(1, 1000, 2)
        if slot.size:
            slots.append(slot)
        else:
            time.sleep(min(0.02, slot.delay_seconds))
    return slots


def test_campaigns_have_the_whole_rate_while_nobody_is_answered(redis: Redis) -> None:
    slot = Pace(redis, 1, RATE).reserve(1, 1000, 1)
    assert slot.interval_seconds == pytest.approx(1 / RATE, rel=0.01)


def test_campaigns_have_nine_tenths_while_replies_come_and_all_of_it_afterwards(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace_module, "REPLIES_SECONDS", 0.4)
    pace = Pace(redis, 1, RATE)
    pace.reserve_replies(1)
    assert pace.reserve(1, 1000, 1).interval_seconds == pytest.approx(1 / (RATE * 0.9), rel=0.01)
    time.sleep(0.25)
    pace.reserve_replies(1)
    time.sleep(0.25)
    assert pace.reserve(1, 1000, 1).interval_seconds == pytest.approx(1 / (RATE * 0.9), rel=0.01)
    time.sleep(0.6)
    assert pace.reserve(1, 1000, 1).interval_seconds == pytest.approx(1 / RATE, rel=0.01)


def test_the_share_of_replies_outlasts_every_reply_that_is_reserved() -> None:
    assert REPLIES_SECONDS > 1.0 + 1.0, "a reply is reserved at most a second ahead"


def test_campaigns_and_the_first_replies_together_do_not_exceed_the_rate(redis: Redis) -> None:
    pace = Pace(redis, 1, RATE)
    slots = campaign_sends(pace, 1.0)
    replies = [pace.reserve_replies(1)]
    for _ in range(14):
        slots += campaign_sends(pace, 0.1)
        replies.append(pace.reserve_replies(1))
    replies = [slot for slot in replies if slot.size]
    assert len(replies) >= 5
    assert max(slot.delay_seconds for slot in replies) < 1.0
    assert RATE * 0.9 <= fullest(times_of(slots + replies)) <= RATE + 1


def test_a_new_rate_counts_from_the_next_reservation(redis: Redis) -> None:
    pace, other = Pace(redis, 1, 80), Pace(redis, 1, 80)
    pace.reserve(1, 1e6, 8)
    pace.messages_per_second = other.messages_per_second = 1000
    assert other.reserve(1, 1e6, 8).interval_seconds == pytest.approx(0.001, rel=0.01)
    pace.messages_per_second = 20
    assert pace.reserve(1, 1e6, 1).interval_seconds == pytest.approx(0.05, rel=0.01)
    assert pace.reply_rate == pytest.approx(2)


def test_what_was_reserved_at_one_rate_goes_back_at_that_rate(redis: Redis) -> None:
    pace = Pace(redis, 1, 10)
    slot = pace.reserve(1, 1000, 4)
    pace.messages_per_second = 1000
    pace.give_back(1, 1000, slot, 4)
    assert pace.reserve(1, 1000, 1).delay_seconds < 0.02
