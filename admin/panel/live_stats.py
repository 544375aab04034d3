"""Campaigns' numbers for the panel: read at most every two seconds, however many look."""

import threading
import time
from collections.abc import Sequence
from typing import Any

from flask import current_app

from jobs.core.runtime import Runtime
from models.campaigns.stats import stats_of

FRESH_SECONDS = 2.0
_KEY = "hark_live_stats"


class LiveStats:
    """The newest numbers of each campaign that somebody looks at."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[int, tuple[float, dict[str, Any]]] = {}

    def get(self, rt: Runtime, campaign_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        """The public numbers by id; what does not exist is left out."""
        moment = time.monotonic()
        with self._lock:
            self._kept = {key: kept for key, kept in self._kept.items() if moment - kept[0] < FRESH_SECONDS}
            found = {key: self._kept[key][1] for key in campaign_ids if key in self._kept}
        missing = [key for key in campaign_ids if key not in found]
        if missing:
            with rt.database.read() as session:
                read = stats_of(session, missing)
            with self._lock:
                self._kept |= {key: (moment, stats) for key, stats in read.items()}
            found |= read
        return {key: found[key] for key in campaign_ids if key in found}

    def forget(self, campaign_id: int) -> None:
        """After an action, whose result is to be seen at once."""
        with self._lock:
            self._kept.pop(campaign_id, None)


def live_stats() -> LiveStats:
    """This application's."""
    kept: LiveStats = current_app.extensions.setdefault(_KEY, LiveStats())
    return kept
