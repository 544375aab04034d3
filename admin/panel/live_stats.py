"""Caches campaigns' statistics for the panel: read at most every two seconds, however many browsers poll."""

import time
from collections.abc import Sequence
from typing import Any

from flask import current_app

from admin.panel.kept_values import KeptValues
from jobs.core.runtime import Runtime
from models.campaigns.stats import stats_of
from models.results.stored import stored_figures

FRESH_SECONDS = 2.0
_KEY = "hark_live_stats"


class LiveStats:
    """The newest statistics of each campaign that somebody looks at."""

    def __init__(self) -> None:
        self._kept: KeptValues[dict[str, Any]] = KeptValues()

    def get(self, rt: Runtime, campaign_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        """The public statistics by campaign id; an id without a campaign is left out. Those of large campaigns are stored sums."""
        until = time.monotonic() + FRESH_SECONDS
        stats_by_id = self._kept.fresh(campaign_ids)
        missing = [key for key in campaign_ids if key not in stats_by_id]
        if missing:
            with rt.database.read() as session:
                fresh = stats_of(session, missing, stored_figures(session, missing))
            self._kept.keep(fresh, until)
            stats_by_id |= fresh
        return {key: stats_by_id[key] for key in campaign_ids if key in stats_by_id}

    def forget(self, campaign_id: int) -> None:
        """Drop the cached statistics of a campaign, so that the result of an action shows at once."""
        self._kept.forget(campaign_id)


def live_stats() -> LiveStats:
    """The application's cache."""
    cache: LiveStats = current_app.extensions.setdefault(_KEY, LiveStats())
    return cache
