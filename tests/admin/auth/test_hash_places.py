"""Who waits for whom where passwords are hashed."""

import threading
import time
from collections.abc import Callable

from admin.auth.hash_places import HashPlaces


def started(function: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    time.sleep(0.05)
    return thread


def test_only_so_many_strangers_wait_and_the_next_is_told_at_once() -> None:
    places = HashPlaces(places=1, strangers=2)
    assert places.take(0, is_stranger=True)

    def wait() -> None:
        assert places.take(5, is_stranger=True)
        places.give_back()

    waiting = [started(wait) for _ in range(2)]
    began = time.monotonic()
    assert not places.take(5, is_stranger=True)
    assert time.monotonic() - began < 0.2
    places.give_back()
    for thread in waiting:
        thread.join(2)
    assert places.take(0, is_stranger=True)


def test_whoever_is_known_goes_before_every_stranger() -> None:
    places, order = HashPlaces(places=1, strangers=2), []
    assert places.take(0, is_stranger=True)

    def wait(name: str, *, is_stranger: bool) -> None:
        assert places.take(5, is_stranger=is_stranger)
        order.append(name)
        places.give_back()

    threads = [
        started(lambda: wait("stranger", is_stranger=True)),
        started(lambda: wait("known", is_stranger=False)),
    ]
    places.give_back()
    for thread in threads:
        thread.join(2)
    assert order == ["known", "stranger"]


def test_whoever_waits_too_long_is_told_and_leaves_the_row() -> None:
    places = HashPlaces(places=1, strangers=1)
    assert places.take(0, is_stranger=False)
    assert not places.take(0.05, is_stranger=True)
    assert not places.take(0.05, is_stranger=False)
    places.give_back()
    assert places.take(0, is_stranger=True)
