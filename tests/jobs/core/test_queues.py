"""Wake-ups."""

from redis import Redis

from jobs.core.queues import CHORES, enqueue_once, started


def test_a_wake_up_is_made_once_until_it_is_taken(redis: Redis) -> None:
    assert enqueue_once(redis, CHORES, "tests.support.worker_jobs.note", "x", "y", key="one")
    assert not enqueue_once(redis, CHORES, "tests.support.worker_jobs.note", "x", "y", key="one")
    started(redis, "one")
    assert enqueue_once(redis, CHORES, "tests.support.worker_jobs.note", "x", "y", key="one")
