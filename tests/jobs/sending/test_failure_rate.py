"""When too many fail alike, and when they do not."""

from redis import Redis

from jobs.sending.failure_rate import (
    MIN_SAMPLE,
    FailureGuard,
    forget_guard,
    load_guard,
    lower_bound,
    max_failure_share,
    save_guard,
)
from models.text import Text


def test_a_few_failures_at_the_start_stop_nothing() -> None:
    guard = FailureGuard()
    assert all(guard.add("131009") is None for _ in range(MIN_SAMPLE - 1))


def test_a_campaign_in_which_everything_fails_stops_after_the_least_number() -> None:
    guard = FailureGuard()
    found = [guard.add("131009") for _ in range(MIN_SAMPLE)]
    assert found[-1] == "131009"
    assert guard.share("131009") == (MIN_SAMPLE, MIN_SAMPLE)


def test_failures_of_different_kinds_do_not_add_up() -> None:
    guard = FailureGuard()
    assert all(guard.add(str(index % 3)) is None for index in range(200))


def test_a_third_of_failures_goes_on() -> None:
    guard = FailureGuard()
    assert all(guard.add("131009" if index % 3 == 0 else "") is None for index in range(400))


def test_old_failures_are_forgotten() -> None:
    guard = FailureGuard()
    for _ in range(15):
        guard.add("131009")
    for _ in range(300):
        guard.add("")
    assert guard.share("131009") == (0, 100)


def test_a_code_says_by_itself_how_many_may_fail_with_it() -> None:
    assert (
        max_failure_share("131009"),
        max_failure_share("131049"),
        max_failure_share("130472"),
        max_failure_share("unsure"),
    ) == (0.5, 0.8, None, 0.5)
    guard = FailureGuard()
    assert all(guard.add("130472") is None for _ in range(100))
    assert guard.kinds == ()
    assert all(guard.add("" if place % 4 == 0 else "131049") is None for place in range(100))
    assert "131049" in [guard.add("131049") for _ in range(60)]


def test_a_pause_is_explained_with_every_kind_that_failed_and_without_anybodys_number() -> None:
    guard = FailureGuard()
    for place in range(40):
        guard.add("unsure" if place % 20 == 0 else "131026", Text("No clear answer.") if place % 20 == 0 else None)
    guard.add("999999", Text("The number 34600111222 is odd."))
    guard.add("")
    assert str(guard.explain("131026")) == (
        "38 of the last 42 messages failed alike. 131026 ×38: Undeliverable: probably not on WhatsApp; "
        "unsure ×2: No clear answer; "
        "999999 ×1: Meta refused it with a code that Hark does not know. Meta says: The number … is odd. "
        "After two such answers the contact is left out."
    )


def test_the_bound_is_below_the_share() -> None:
    assert lower_bound(0, 0) == 0
    assert lower_bound(10, 20) < 0.5
    assert lower_bound(100, 100) > 0.95


def test_a_slow_campaign_is_judged_over_many_lanes(redis: Redis) -> None:
    tripped = []
    for _ in range(10):
        guard = load_guard(redis, 7)
        tripped += [guard.add("131026") for _ in range(4)]
        save_guard(redis, 7, guard)
    assert tripped.index("131026") == MIN_SAMPLE - 1
    assert len(load_guard(redis, 7).kinds) == 40
    assert load_guard(redis, 8).kinds == ()
    forget_guard(redis, 7)
    assert load_guard(redis, 7).add("131026") is None
