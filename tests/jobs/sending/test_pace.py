"""The pace: even, shared, and without bursts."""

import itertools
import threading
import time
from bisect import bisect_left
from typing import Any

import pytest
from redis import Redis

from jobs.sending.pace import LATE_SECONDS, LOOK_AHEAD_SECONDS, Pace, SendSlot, SendTimetable
from tests.support.proof import rounds


def ends_at(slot: SendSlot) -> float:
    """Where the campaign's clock stands after the slot, in seconds of Redis's time: exact however late a thread heard of it."""
    return int(slot.clocks[1]) / 1e6


def planned(pace: Pace, lanes: int, per_second: float, seconds: float, size: int) -> list[SendSlot]:
    """What so many lanes reserve that ask as fast as they may, in the order in which it is due."""
    slots: list[SendSlot] = []
    end = time.monotonic() + seconds

    def lane() -> None:
        while time.monotonic() < end:
            slot = pace.reserve(1, per_second, size)
            if slot.size:
                slots.append(slot)
            time.sleep(0.01 if slot.size else min(0.05, slot.delay_seconds))

    threads = [threading.Thread(target=lane) for _ in range(lanes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(slots, key=ends_at)


@pytest.mark.parametrize("lanes", [1, 4])
@pytest.mark.parametrize("rate", [20.0, 200.0])
def test_no_sliding_second_overflows_however_many_lanes(redis: Redis, lanes: int, rate: float) -> None:
    slots = planned(Pace(redis, 1, 1000), lanes, rate, rounds(2.0, 30.0), max(1, int(rate / 10)))

    times = [ends_at(slot) - (slot.size - index) / rate for slot in slots for index in range(slot.size)]
    fullest = max(bisect_left(times, at + 1.0) - index for index, at in enumerate(times))
    assert fullest <= rate + 1
    for former, slot in itertools.pairwise(slots):
        gap = ends_at(slot) - slot.size / rate - ends_at(former)
        assert gap == pytest.approx(0, abs=2e-6) or slot.delay_seconds == 0, "only who asks late leaves a gap"


def test_campaigns_of_one_number_share_its_rate_and_leave_replies_their_part(redis: Redis) -> None:
    pace = Pace(redis, 1, 100)
    pace.reserve_replies(1)
    granted = {1: 0, 2: 0}
    begun = time.monotonic()
    campaign = 1
    while time.monotonic() < begun + 1.5:
        slot = pace.reserve(campaign, 1000, 3)
        granted[campaign] += slot.size
        if slot.size:
            campaign = 3 - campaign
        else:
            assert slot.is_number_busy
            time.sleep(slot.delay_seconds)

    total = sum(granted.values())
    assert total <= 90 * (time.monotonic() - begun + LOOK_AHEAD_SECONDS) + 6
    assert abs(granted[1] - granted[2]) <= 0.2 * total
    assert pace.reserve_replies(5).size == 5


def test_unused_slots_go_back(redis: Redis) -> None:
    pace = Pace(redis, 1, 1000)
    slot = pace.reserve(1, 20, 6)
    pace.give_back(1, 20, slot, 6)
    assert pace.reserve(1, 20, 1).delay_seconds < 0.05


def test_slots_that_others_were_given_meanwhile_are_not_given_twice(redis: Redis) -> None:
    pace, other = Pace(redis, 1, 1000), Pace(redis, 1, 1000)
    first = pace.reserve(1, 20, 3)
    second = other.reserve(1, 20, 3)
    pace.give_back(1, 20, first, 3)
    third = pace.reserve(1, 20, 1)
    assert ends_at(third) >= ends_at(second) + 0.0499


def test_a_lane_that_was_long_in_asking_still_knows_when_its_slot_begins(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    pace = Pace(redis, 1, 1000)
    for _ in range(30):  # the quickest of them says what time it is
        pace.reserve(2, 1000, 1)
    ask = pace._reserve
    asked: list[float] = []

    def slowly(**given: Any) -> Any:
        time.sleep(0.3)
        asked.append(time.monotonic())
        answer = ask(**given)
        asked.append(time.monotonic())
        time.sleep(0.1)
        return answer

    monkeypatch.setattr(pace, "_reserve", slowly)
    slow = pace.reserve(1, 20, 1)
    assert slow.delay_seconds < 0.05
    assert asked[0] - 0.01 <= slow.starts_at - slow.delay_seconds <= asked[1] + 0.01


def test_throttling_halves_the_rate_once_a_second_and_it_creeps_back(redis: Redis) -> None:
    pace = Pace(redis, 1, 100)
    assert pace.slow_down() == pytest.approx(0.5)
    assert pace.slow_down() == pytest.approx(0.5)
    assert pace.reserve(1, 1000, 1).interval_seconds == pytest.approx(1 / 50, rel=0.1)
    time.sleep(1.1)
    assert 0.2 < pace.slow_down() < 0.3


def test_numbers_do_not_slow_each_other(redis: Redis) -> None:
    Pace(redis, 1, 10).reserve(1, 10, 3)
    assert Pace(redis, 2, 10).reserve(2, 10, 3).delay_seconds == 0


def slot_of(starts_at: float, size: int) -> SendSlot:
    return SendSlot(size, 0.0, interval_seconds=0.002, starts_at=starts_at)


def test_a_lane_that_stalled_does_not_begin_what_it_missed_beside_what_is_due_now() -> None:
    timetable = SendTimetable()
    timetable.add(slot_of(10.0, 50), 50)
    timetable.add(slot_of(10.3, 50), 50)

    taken = [at for _ in range(50) if (at := timetable.take(10.25)) is not None]

    assert taken == pytest.approx([10.3 + 0.002 * index for index in range(50)])
    assert timetable.take(10.25) is None, "half of the hundred have to reserve again"


def test_a_lane_that_is_a_little_late_catches_up_gently() -> None:
    timetable = SendTimetable()
    timetable.add(slot_of(10.0, 30), 30)

    first = [timetable.take(10.0 + LATE_SECONDS - 0.001) for _ in range(10)]
    assert first[0] == 10.0
    later = [at for at in first if at is not None]
    assert len(later) == 10
    assert min(b - a for a, b in itertools.pairwise(later)) >= 0.95 * 0.002


def test_the_earliest_moment_is_the_next_whichever_slot_came_first() -> None:
    timetable = SendTimetable()
    timetable.add(slot_of(10.3, 2), 2)  # reserved anew while the rows of the one before were being claimed
    timetable.add(slot_of(10.1, 2), 2)
    assert [timetable.take(10.0) for _ in range(4)] == pytest.approx([10.1, 10.102, 10.3, 10.302])
