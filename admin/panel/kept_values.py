"""Keeps values for a while in the memory of the process, so that many browsers that poll cost one reading."""

import threading
import time
from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

V = TypeVar("V")


class KeptValues(Generic[V]):
    """Values by an id, each until its time is over; with `most`, no further ones once so many are kept. Any thread may use it."""

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._kept: dict[int, tuple[float, V]] = {}

    def fresh(self, keys: Iterable[int]) -> dict[int, V]:
        """Those of these ids that are still kept; what is over is dropped."""
        now = time.monotonic()
        with self._lock:
            self._kept = {key: kept for key, kept in self._kept.items() if kept[0] > now}
            return {key: self._kept[key][1] for key in keys if key in self._kept}

    def keep(self, values: Mapping[int, V], until: float) -> None:
        """Keep the values until `until`, by the monotonic clock."""
        with self._lock:
            if self._most is None or len(self._kept) < self._most:
                self._kept |= {key: (until, value) for key, value in values.items()}

    def forget(self, key: int) -> None:
        """Drop the value of this id, if there is one."""
        with self._lock:
            self._kept.pop(key, None)
