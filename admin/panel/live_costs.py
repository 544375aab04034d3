"""Caches the estimates of started campaigns for the panel: counting a million people for every look would keep a core busy."""

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from flask import current_app

from admin.operations.billing import estimate_campaign, spent_by
from jobs.core.runtime import Runtime
from models.errors import OperatorError

FRESH_SECONDS = 30.0
SHARE = 50.0
"""An estimate is kept at least this many times as long as it took."""
MAX_KEPT = 200
_KEY = "hark_live_costs"


@dataclass
class LiveCosts:
    """The latest estimate of each campaign that somebody looks at. What it has cost so far is read for every look."""

    _kept: dict[int, tuple[float, dict[str, Any]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, rt: Runtime, campaign_id: int) -> dict[str, Any] | None:
        """The public form of the estimate with what it has cost so far; None if nothing is known of it."""
        began = time.monotonic()
        spent = spent_by(rt, campaign_id)
        if spent is None:
            return None  # what it would cost if it started now is not what it cost
        with self._lock:
            self._kept = {key: kept for key, kept in self._kept.items() if kept[0] > began}
            kept = self._kept.get(campaign_id)
        if kept is not None:
            return kept[1] | {"spent": spent}
        try:
            estimate = estimate_campaign(rt, campaign_id)
        except OperatorError:  # the template is gone and nothing was counted
            return None
        ended = time.monotonic()
        with self._lock:
            if len(self._kept) < MAX_KEPT:
                self._kept[campaign_id] = (ended + max(FRESH_SECONDS, SHARE * (ended - began)), estimate)
        return estimate


def live_costs() -> LiveCosts:
    """The application's cache."""
    cache: LiveCosts = current_app.extensions.setdefault(_KEY, LiveCosts())
    return cache
