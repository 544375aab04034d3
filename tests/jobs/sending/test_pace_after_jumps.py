"""The pace goes on when Redis's time jumps, forward or back."""

import time

import pytest
from redis import Redis

from jobs.sending.pace import LOOK_AHEAD_SECONDS, Pace, _RedisClock

HOUR = 3_600


def stand_at(redis: Redis, key: str, seconds_ahead: float) -> None:
    """A clock was set while Redis's time was so far ahead of what it is now."""
    redis.set(key, f"{(time.time() + seconds_ahead) * 1e6:.0f}")


@pytest.mark.parametrize("clock", ["hark:pace:1", "hark:pace:1:campaign:1"])
def test_a_time_that_went_back_an_hour_does_not_stop_sending_for_an_hour(redis: Redis, clock: str) -> None:
    stand_at(redis, clock, HOUR)
    slot = Pace(redis, 1, 80).reserve(1, 20, 10)
    assert slot.size == 10
    assert slot.delay_seconds < LOOK_AHEAD_SECONDS


@pytest.mark.parametrize("clock", ["hark:pace:1", "hark:pace:1:replies"])
def test_replies_go_on_as_well(redis: Redis, clock: str) -> None:
    stand_at(redis, clock, HOUR)
    slot = Pace(redis, 1, 80).reserve_replies(2)
    assert (slot.size, slot.delay_seconds < 1.0) == (2, True)


def test_a_clock_of_a_slow_campaign_is_none_that_a_jump_left_behind(redis: Redis) -> None:
    pace = Pace(redis, 1, 80)
    once_an_hour = 1 / HOUR
    assert pace.reserve(1, once_an_hour, 1).size == 1
    assert pace.reserve(1, once_an_hour, 1).size == 0


def test_a_number_that_was_throttled_in_the_future_sends_and_can_be_throttled(redis: Redis) -> None:
    redis.hset("hark:throttle:1", mapping={"factor": "0.5", "at": f"{(time.time() + HOUR) * 1e6:.0f}"})
    pace = Pace(redis, 1, 80)
    assert pace.reserve(1, 80, 10).interval_seconds == pytest.approx(1 / 40, rel=0.01)
    assert pace.slow_down() == 0.25
    assert pace.slow_down() == 0.25, "once a second"


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_slots_begin_at_once_after_redis_time_jumped(jump: float) -> None:
    clock = _RedisClock()
    for place in range(40):
        assert clock.here(1_000.0 + place, 50.0 + place, 50.001 + place) == pytest.approx(50.0005 + place)
    assert clock.here(1_040.0 + jump, 90.0, 90.5) == pytest.approx(90.25)


def test_an_answer_that_took_long_is_no_jump() -> None:
    clock = _RedisClock()
    clock.here(1_000.0, 50.0, 50.001)
    assert clock.here(1_001.0, 51.0, 54.0) == pytest.approx(51.0005)
