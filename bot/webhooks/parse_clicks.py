"""Parses the link clicks that Meta reports under `user_actions` (docs/meta.md §7.10)."""

import json
from hashlib import sha256
from typing import Any

from bot.webhooks.parse_values import BadEventError, as_dict, read_moment, read_text
from models.clicks.meta_reports import ReportedClick


def read_reported_click(item: Any, phone_number_id: str | None) -> ReportedClick | None:
    """Return an action of whatever kind; None where no number of ours is named. Raises BadEventError if it is invalid."""
    if not isinstance(item, dict):
        raise BadEventError("no object")
    action = read_text(item.get("action_type"), 64)
    if not action:
        raise BadEventError("its action_type is missing")
    at = read_moment(item.get("timestamp"))
    if phone_number_id is None:
        return None
    click_id = as_dict(item.get(f"{action}_data")).get("click_id")
    own = [click_id] if isinstance(click_id, str) and click_id else [phone_number_id, item]
    key = sha256(json.dumps([action, *own], sort_keys=True).encode()).hexdigest()
    return ReportedClick(phone_number_id, key, action, at)
