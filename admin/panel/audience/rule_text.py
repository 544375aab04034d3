"""Describes a segment's rule in sentences."""

from collections.abc import Mapping
from typing import Any

from models.segments.campaign_people import FIGURE_NAMES, CampaignFigure
from models.segments.rule import FIGURE_OPS

OPS = {
    "has": "has", "has_not": "has not", "contains": "contains", "is": "is", "is_not": "is not", "in": "is one of",
    "not_in": "is none of", "known": "is known", "unknown": "is not known", "equal": "=", "less": "<", "at_most": "≤",
    "more": ">", "at_least": "≥", "between": "is between", "before": "is before", "after": "is after",
    "last_days": "within the last", "not_last_days": "not within the last", "received": "received",
    "not_received": "did not receive", "read": "read", "not_read": "did not read", "pressed": "pressed a button of",
    "not_pressed": "did not press a button of", "replied": "replied to", "not_replied": "did not reply to",
    "failed": "failed in",
}  # fmt: skip
SUBJECTS = {
    "consent": "consent", "language": "the language", "country": "the country", "phone": "the number",
    "last_inbound": "the last message from them", "last_engaged": "the last engagement",
    "orders_count": "the number of orders", "total_spent": "what they spent",
    "average_order": "the average order", "first_order": "the first order", "last_order": "the last order",
    "days_since_first_order": "days since the first order", "days_since_last_order": "days since the last order",
    "bought_collection": "a collection that they bought of", "bought_brand": "a brand that they bought of",
}  # fmt: skip

_NOT = {
    "is on the list": "is not on the list", "is in the segment": "is not in the segment", "has the tag": "does not have the tag",
}  # fmt: skip


def describe_rule(rule: Any, campaigns: Mapping[int, str] | None = None) -> list[list[str]]:
    """Groups of conditions, a sentence each; a condition that cannot be read is shown as it is. `campaigns`: names by id."""
    groups = rule.get("any", [rule]) if isinstance(rule, Mapping) else []
    return [
        [_condition_text(item, campaigns or {}) for item in group.get("all", [])]
        for group in groups
        if isinstance(group, Mapping)
    ]


def _condition_text(item: Any, campaigns: Mapping[int, str]) -> str:
    if not isinstance(item, Mapping):
        return str(item)
    on, op, name = str(item.get("on")), str(item.get("op")), item.get("name")
    value = _value(op, item.get("value"))
    if on == "campaign":
        return _campaign_text(item, op, campaigns)
    if op in {"has", "has_not"}:
        place = {"list": "is on the list", "segment": "is in the segment"}.get(on, "has the tag")
        return f"{place if op == 'has' else _NOT[place]} {name}"
    if on == "last_inbound" and op in {"known", "unknown"}:
        return "wrote at some time" if op == "known" else "never wrote"
    if on == "last_engaged" and op in {"known", "unknown"}:
        return "engaged at some time" if op == "known" else "never engaged"
    if on in {"first_order", "last_order"} and op in {"known", "unknown"}:
        return "ordered at some time" if op == "known" else "never ordered"
    if item.get("currency"):
        value = f"{value} {item['currency']}"
    subject = f"the tag {name}" if on == "tag" else str(name) if on == "attribute" else SUBJECTS.get(on, on)
    return f"{subject} {_comparison_text(op, value)}"


def _comparison_text(op: str, value: str) -> str:
    if op == "last_days":
        return f"is within the last {value} days"
    if op == "not_last_days":
        return f"is not within the last {value} days"
    return f"{OPS.get(op, op)} {value}".strip()


def _campaign_text(item: Mapping[str, Any], op: str, campaigns: Mapping[int, str]) -> str:
    key = item.get("campaign")
    campaign = (f"“{campaigns[key]}”" if campaigns.get(key) else f"campaign {key}") if key else "any campaign"
    if op in FIGURE_OPS:
        return _figure_text(item, op, campaign)
    text = f"{OPS.get(op, op)} {campaign}"
    if item.get("code"):
        text += f" with error {item['code']}"
    if item.get("days"):
        text += f" in the last {item['days']} days"
    return text


def _figure_text(item: Mapping[str, Any], op: str, campaign: str) -> str:
    value = str(item.get("value"))
    name = FIGURE_NAMES[CampaignFigure(value)] if value in set(CampaignFigure) else value
    text = f"is {'not ' if op == 'is_not' else ''}in “{name}” of {campaign}"
    if item.get("reason"):
        text += f" ({item['reason'].replace('_', ' ')})"
    if item.get("button"):
        text += f", button {item['button']}"
    return text + (f" with error {item['code']}" if item.get("code") else "")


def _value(op: str, value: Any) -> str:
    if isinstance(value, list):
        return (" and " if op == "between" else ", ").join(map(str, value))
    return "" if value is None else str(value)
