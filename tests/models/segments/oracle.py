"""A segment's rule evaluated on a single contact, in plain Python: slow, obvious, and what the SQL is tested against."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from fractions import Fraction
from typing import Any

from models.segments.operators import DAYS_SINCE, MOMENTS, NUMERIC, ON_ORDERS
from models.segments.rule import RuleCondition, SegmentRule

_NUMERAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")


@dataclass(frozen=True)
class Sent:
    """What a contact's row in one campaign says."""

    campaign_id: int
    accepted_at: datetime | None = None
    claimed_at: datetime | None = None
    delivered_at: datetime | None = None
    read_at: datetime | None = None
    replied_at: datetime | None = None
    has_failed: bool = False
    error_code: int | None = None
    was_pressed: bool = False


@dataclass(frozen=True)
class Ordered:
    """One order of a contact."""

    total: Decimal
    currency: str
    placed_at: datetime
    is_cancelled: bool = False
    collections: frozenset[str] = frozenset()
    brands: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Facts:
    """What is known of a contact. `fields` holds its columns and its custom attributes by name; what is missing is not there."""

    consent: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str | None] = field(default_factory=dict)
    lists: frozenset[str] = frozenset()
    last_inbound_at: datetime | None = None
    campaigns: tuple[Sent, ...] = ()
    orders: tuple[Ordered, ...] = ()


def matches(rule: SegmentRule, facts: Facts, now: datetime) -> bool:
    """Whether the contact matches: any group, of which all conditions hold."""
    return any(all(_holds(condition, facts, now) for condition in group) for group in rule.groups)


def _holds(item: RuleCondition, facts: Facts, now: datetime) -> bool:
    if item.on == "segment":
        inside = item.rule is not None and matches(item.rule, facts, now)
        return inside != (item.op == "has_not")
    if item.on == "campaign":
        return _behaved(item, facts, now)
    if item.op == "not_last_days":
        return not _holds(replace(item, op="last_days"), facts, now)
    if item.on in ON_ORDERS:
        return _ordered(item, facts, now)
    if item.op in {"has", "has_not"}:
        present = item.name in (facts.tags if item.on == "tag" else facts.lists)
        return present != (item.op == "has_not")
    return _compares(item, _value(item, facts), now)


def _compares(item: RuleCondition, value: Any, now: datetime) -> bool:
    if item.op in {"known", "unknown"}:
        return (value is None) == (item.op == "unknown")
    if item.op in {"is_not", "not_in"}:
        return value is None or value not in item.values
    if value is None:
        return False
    if item.op == "last_days":
        since = now - timedelta(days=item.values[0])
        if item.on == "last_engaged":
            return bool(since <= value)
        first, last = (since, now) if item.on in MOMENTS else (_day(since, item.zone), _day(now, item.zone))
        return bool(first <= value <= last)
    return _TESTS[item.op](value, item.values)


def _day(moment: datetime, zone: tzinfo) -> str:
    return moment.astimezone(zone).date().isoformat()


def _value(item: RuleCondition, facts: Facts) -> Any:
    if item.on == "tag":
        value = facts.tags.get(item.name)
        return _number(value) if item.op in NUMERIC else value
    if item.on == "consent":
        return facts.consent
    if item.on == "last_inbound":
        return facts.last_inbound_at
    if item.on == "last_engaged":
        reads = [row.read_at for row in facts.campaigns]
        return max((moment for moment in (facts.last_inbound_at, *reads) if moment is not None), default=None)
    value = facts.fields.get(item.name if item.on == "attribute" else item.on)
    return None if value == "" else value


def _number(text: str | None) -> float | None:
    return float(text) if text and len(text) <= 16 and _NUMERAL.fullmatch(text) else None


def _ordered(item: RuleCondition, facts: Facts, now: datetime) -> bool:
    orders = [it for it in facts.orders if not it.is_cancelled and item.currency in {"", it.currency}]
    if item.on in {"bought_collection", "bought_brand"}:
        had = [it.collections if item.on == "bought_collection" else it.brands for it in orders]
        return any(name in item.values for names in had for name in names) != (item.op in {"is_not", "not_in"})
    if item.on == "orders_count":
        return _TESTS[item.op](len(orders), item.values)
    total = Fraction(sum((it.total for it in orders), Decimal(0)))
    if item.on == "total_spent":
        return _TESTS[item.op](total, _money(item))
    if item.on == "average_order":
        return bool(orders) and _TESTS[item.op](total / len(orders), _money(item))
    moments = [it.placed_at for it in orders]
    moment = (min if "first" in item.on else max)(moments, default=None)
    if item.on in DAYS_SINCE:
        return moment is not None and _TESTS[item.op]((now - moment) // timedelta(days=1), item.values)
    return _compares(item, moment, now)


def _money(item: RuleCondition) -> tuple[Fraction, ...]:
    """Amounts have three decimals at most."""
    return tuple(Fraction(Decimal(str(value)).quantize(Decimal("0.001"))) for value in item.values)


def _behaved(item: RuleCondition, facts: Facts, now: datetime) -> bool:
    rows = [row for row in facts.campaigns if item.campaign_id in {None, row.campaign_id}]
    if item.days is not None:
        since = now - timedelta(days=item.days)
        rows = [row for row in rows if (moment := row.accepted_at or row.claimed_at) is not None and moment >= since]
    if item.op == "failed":
        return any(row.has_failed and item.code in {None, row.error_code} for row in rows)
    if item.figure is not None:
        counts = any(FIGURES[item.figure](row) and item.code in {None, row.error_code} for row in rows)
        return bool(rows) and not counts if item.op == "is_not" else counts
    rows = [row for row in rows if row.accepted_at is not None]
    did = any(_DEEDS[item.op.removeprefix("not_")](row) for row in rows)
    return bool(rows) and not did if item.op.startswith("not_") else did


_DEEDS: Mapping[str, Callable[[Sent], bool]] = {
    "received": lambda row: row.delivered_at is not None or row.read_at is not None,
    "read": lambda row: row.read_at is not None,
    "replied": lambda row: row.replied_at is not None,
    "pressed": lambda row: row.was_pressed,
}

FIGURES: Mapping[str, Callable[[Sent], bool]] = {
    # Of rows that are accepted or refused, as `people` makes them.
    "candidates": lambda _row: True,
    "eligible": lambda _row: True,
    "queued": lambda _row: False,
    "not_sent": lambda _row: False,
    "sent": lambda row: row.accepted_at is not None,
    "delivered": lambda row: row.delivered_at is not None or row.read_at is not None,
    "read": lambda row: row.read_at is not None,
    "replied": lambda row: row.replied_at is not None,
    "failed": lambda row: row.has_failed,
}

_TESTS: Mapping[str, Callable[[Any, tuple[Any, ...]], bool]] = {
    "is": lambda value, values: value == values[0],
    "in": lambda value, values: value in values,
    "contains": lambda value, values: values[0] in value,
    "equal": lambda value, values: value == values[0],
    "less": lambda value, values: value < values[0],
    "before": lambda value, values: value < values[0],
    "at_most": lambda value, values: value <= values[0],
    "more": lambda value, values: value > values[0],
    "after": lambda value, values: value > values[0],
    "at_least": lambda value, values: value >= values[0],
    "between": lambda value, values: values[0] <= value <= values[1],
}
