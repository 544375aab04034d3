"""Counts the places in which passwords are hashed, so that few are hashed at a time in a process.

Strangers wait in a short row, so that they never hold every thread of the web process, and whoever is known goes before them: a
user who is signed in, or whose browser signed in to the account before.
"""

import threading
import time


class HashPlaces:
    """So many `places`, and a row in which at most so many `strangers` wait for one."""

    def __init__(self, places: int, strangers: int) -> None:
        self._changed = threading.Condition()
        self._free = places
        self._row = strangers
        self._known_waiting = 0

    def take(self, wait_seconds: float, *, is_stranger: bool) -> bool:
        """Take a place; False if none becomes free in time, or too many strangers wait already."""
        deadline = time.monotonic() + wait_seconds
        with self._changed:
            if is_stranger and not self._may_take(is_stranger) and self._row == 0:
                return False
            self._enter(is_stranger, 1)
            try:
                while not self._may_take(is_stranger):
                    if not self._changed.wait(deadline - time.monotonic()):
                        return False
                self._free -= 1
                return True
            finally:
                self._enter(is_stranger, -1)
                self._changed.notify_all()

    def give_back(self) -> None:
        """Leave the place to the next."""
        with self._changed:
            self._free += 1
            self._changed.notify_all()

    def _may_take(self, is_stranger: bool) -> bool:
        return self._free > 0 and not (is_stranger and self._known_waiting)

    def _enter(self, is_stranger: bool, change: int) -> None:
        if is_stranger:
            self._row -= change
        else:
            self._known_waiting += change
