"""Caches the estimates of started campaigns for the panel: counting a million people for every look would keep a core busy."""

import time
from typing import Any

from flask import current_app

from admin.operations.billing import estimate_campaign, spent_by
from admin.panel.kept_values import KeptValues
from jobs.core.runtime import Runtime
from models.errors import OperatorError

FRESH_SECONDS = 30.0
SHARE = 50.0
"""An estimate is kept at least this many times as long as it took."""
MAX_KEPT = 200
_KEY = "hark_live_costs"


class LiveCosts:
    """The latest estimate of each campaign that somebody looks at. What it has cost so far is read for every look."""

    def __init__(self) -> None:
        self._kept: KeptValues[dict[str, Any]] = KeptValues(MAX_KEPT)

    def get(self, rt: Runtime, campaign_id: int) -> dict[str, Any] | None:
        """The public form of the estimate with what it has cost so far; None if nothing is known of it."""
        began = time.monotonic()
        spent = spent_by(rt, campaign_id)
        if spent is None:
            return None  # what it would cost if it started now is not what it cost
        kept = self._kept.fresh([campaign_id])
        if kept:
            return kept[campaign_id] | {"spent": spent}
        try:
            estimate = estimate_campaign(rt, campaign_id)
        except OperatorError:  # the template is gone and nothing was counted
            return None
        ended = time.monotonic()
        self._kept.keep({campaign_id: estimate}, ended + max(FRESH_SECONDS, SHARE * (ended - began)))
        return estimate


def live_costs() -> LiveCosts:
    """The application's cache."""
    cache: LiveCosts = current_app.extensions.setdefault(_KEY, LiveCosts())
    return cache
