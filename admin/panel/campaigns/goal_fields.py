"""Converts the goals of the campaign form to the campaign file, and back."""

from collections.abc import Mapping, Sequence
from typing import Any

from models.tables.goal import MAX_GOALS


def read_goals(form: Any) -> list[dict[str, Any]]:
    """The goals of the rows that name a number of days; nothing is validated."""
    goals = []
    for place in range(MAX_GOALS):
        if days := form.get(f"goal_days_{place}", "").strip():
            has_value = form.get(f"goal_value_{place}", "1") == "1"
            goals.append({"event": "purchase", "within_days": _whole(days), "value": has_value})
    return goals


def goals_shown(draft: Mapping[str, Any]) -> Sequence[tuple[int, str, bool]]:
    """A row for each goal that a campaign may have: place, days as text, whether its money counts."""
    given = [*(draft.get("goals") or []), *[{}] * MAX_GOALS][:MAX_GOALS]
    return [
        (place, str(goal.get("within_days", "")), bool(goal.get("value", True))) for place, goal in enumerate(given)
    ]


def _whole(text: str) -> int | str:
    """The number; a text that is no whole number is returned as it is, so that the error can show it."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else text
