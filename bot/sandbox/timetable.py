"""Schedules actions: one heap and one timer for the whole simulation, cheap for hundreds of thousands of actions."""

import asyncio
import heapq
from collections.abc import Callable
from itertools import count
from typing import Any

SLICE = 500  # due actions per iteration of the event loop, so that requests are served in between


class DeliveryTimetable:
    """The scheduled actions; its length is their number."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._order = count()
        self._timer: asyncio.Handle | None = None
        self._timer_at = 0.0  # uvloop's handles do not always have it

    def __len__(self) -> int:
        return len(self._heap)

    def after(self, seconds: float, action: Callable[..., None], *args: Any) -> None:
        """Call an action after a number of seconds, in the event loop."""
        due = asyncio.get_running_loop().time() + max(0.0, seconds)
        heapq.heappush(self._heap, (due, next(self._order), action, args))
        if self._timer is None or due < self._timer_at:
            self._arm()

    def clear(self) -> None:
        """Cancel all actions."""
        self._heap.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._heap:
            self._timer_at = self._heap[0][0]
            self._timer = asyncio.get_running_loop().call_at(self._timer_at, self._tick)

    def _tick(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        try:
            for _ in range(SLICE):
                if not self._heap or self._heap[0][0] > now:
                    break
                _, _, action, args = heapq.heappop(self._heap)
                action(*args)
        finally:
            self._arm()
