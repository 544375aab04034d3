"""What a segment says: groups of conditions, AND inside a group, OR between groups.

`{"any": [{"all": [condition, …]}, …]}`; a segment of one group may be written `{"all": [condition, …]}`. A condition is an
object `{"on": what, "op": how, …}`; OPERATORS lists what can be asked of what. models.rule_sql makes one statement of it,
models.rule_facts evaluates it on a single contact, and a test holds the two against each other.

Every condition is true or false, never unknown: what a contact lacks `is_not` anything, and is in no range.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.contact import Consent
from models.recipient import Recipient
from models.refusal import Refused
from models.segment import Segment
from models.tag import Attribute, AttributeType, ContactList, Tag
from models.variables import OWN_FIELDS

_SAME = ("is", "is_not", "in", "not_in")
_KNOWN = ("known", "unknown")
_NUMBER = ("equal", "less", "at_most", "more", "at_least", "between")
_DATE = ("before", "after", "between", "last_days")
OPERATORS: Mapping[str, tuple[str, ...]] = {
    "tag": ("has", "has_not", "contains", *_SAME),
    "attribute": ("contains", *_SAME, *_KNOWN, *_NUMBER, *_DATE),
    "consent": _SAME,
    "language": (*_SAME, *_KNOWN),
    "country": (*_SAME, *_KNOWN),
    "phone": (*_SAME, *_KNOWN),
    "list": ("has", "has_not"),
    "segment": ("has", "has_not"),
    "last_inbound": (*_DATE, *_KNOWN),
    "campaign": ("received", "not_received", "read", "not_read", "clicked", "replied", "not_replied", "failed"),
    "orders_count": _NUMBER,
    "total_spent": _NUMBER,
    "average_order": _NUMBER,
    "first_order": (*_DATE, *_KNOWN),
    "last_order": (*_DATE, *_KNOWN),
    "days_since_first_order": _NUMBER,
    "days_since_last_order": _NUMBER,
    "bought_collection": _SAME,
    "bought_brand": _SAME,
}
ON_ORDERS = frozenset(list(OPERATORS)[-9:])
MONEY = frozenset({"total_spent", "average_order"})
"""These may name a currency; without one, money of all currencies is added up as it stands."""
DAYS_SINCE = frozenset({"days_since_first_order", "days_since_last_order"})
"""Whole days: what happened 36 hours ago is 1 day old."""
MOMENTS = frozenset({"last_inbound", "first_order", "last_order"})
NAMED = frozenset({"tag", "attribute", "list", "segment"})
NEEDS_VALUE = frozenset({"contains", *_SAME, *_NUMBER, *_DATE})
MANY = frozenset({"in", "not_in"})
BY_TYPE: Mapping[AttributeType, tuple[str, ...]] = {
    AttributeType.TEXT: ("contains", *_SAME, *_KNOWN),
    AttributeType.NUMBER: (*_KNOWN, *_NUMBER),
    AttributeType.DATE: (*_KNOWN, *_DATE),
    AttributeType.BOOLEAN: ("is", "is_not", *_KNOWN),
}
MAX_CONDITIONS = 100
MAX_DEPTH = 5
MAX_VALUES = 1000
MAX_SIZE = 4000
MAX_DAYS = 36_500
MAX_MONEY = 1e12
MAX_NUMBER = 1e15
MAX_WHOLE = {"days": MAX_DAYS, "campaign": 2**31 - 1, "code": 2**31 - 1}
"""The largest that a number of a condition on past campaigns can be."""
_CURRENCY = re.compile(r"[A-Z]{3}")


class RuleError(Refused):
    """The rule cannot be read; the message says where and what is allowed."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing asked of a contact. `values` are of the type that the operator compares: text, float, date or datetime."""

    on: str
    op: str
    name: str = ""
    name_id: int | None = None
    values: tuple[Any, ...] = ()
    days: int | None = None
    campaign_id: int | None = None
    code: int | None = None
    rule: "Rule | None" = None
    """Of the segment that the condition names."""
    is_number: bool = False
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """Groups of conditions: any group, of which all conditions hold."""

    groups: tuple[tuple[Condition, ...], ...]

    @property
    def size(self) -> int:
        """How many conditions and values there are, with those of the segments inside."""
        conditions = [item for group in self.groups for item in group]
        return sum(1 + len(item.values) + (item.rule.size if item.rule else 0) for item in conditions)


def parse_rule(session: Session, data: Any, inside: tuple[str, ...] = ()) -> Rule:
    """Read a rule and look its names up. `inside` names the segments that are being read, the outermost first."""
    if not isinstance(data, Mapping) or len(data) != 1 or next(iter(data)) not in {"any", "all"}:
        raise RuleError("a rule must be an object with any (a list of groups) or all (a list of conditions)")
    groups = data.get("any", [data])
    if not isinstance(groups, list) or not groups:
        raise RuleError("any: must be a list of at least one group")
    read = []
    count = 0
    for position, group in enumerate(groups):
        where = f"any[{position}]." if "any" in data else ""
        conditions = group.get("all") if isinstance(group, Mapping) and set(group) == {"all"} else None
        if not isinstance(conditions, list) or not conditions:
            raise RuleError(f"{where}all: must be a list of at least one condition")
        count += len(conditions)
        if count > MAX_CONDITIONS:
            raise RuleError(f"it has more than {MAX_CONDITIONS} conditions")
        reader = _Reader(session, inside)
        read.append(tuple(reader.read(f"{where}all[{n}]", condition) for n, condition in enumerate(conditions)))
    rule = Rule(tuple(read))
    if rule.size > MAX_SIZE:
        raise RuleError(
            f"it and the segments in it hold more than {MAX_SIZE} conditions and values; make lists of them"
        )
    return rule


class _Reader:
    """Reads conditions: their form first, then the names in them."""

    def __init__(self, session: Session, inside: tuple[str, ...]) -> None:
        self.session = session
        self.inside = inside

    def read(self, where: str, data: Any) -> Condition:
        on = data.get("on") if isinstance(data, Mapping) else None
        if not isinstance(on, str) or on not in OPERATORS:
            raise RuleError(f"{where}: on {on!r} is not one of {', '.join(OPERATORS)}")
        op = data.get("op")
        if op not in OPERATORS[on]:
            raise RuleError(f"{where}: op {op!r} is not one of {', '.join(OPERATORS[on])}")
        allowed = {"on", "op"} | ({"name"} if on in NAMED else set()) | ({"value"} if op in NEEDS_VALUE else set())
        if on == "campaign":
            allowed |= {"days", "campaign"} | ({"code"} if op == "failed" else set())
        if on in MONEY:
            allowed.add("currency")
        extra = set(data) - allowed
        if extra:
            raise RuleError(f"{where}: {sorted(map(str, extra))[0]!r} does not belong to {on} {op}")
        if on in NAMED:
            return self._named(where, on, op, data)
        if on == "campaign":
            return self._behaviour(where, op, data)
        values = _values(where, on, op, data.get("value"), None)
        return Condition(on, op, values=values, currency=_currency(where, data.get("currency")))

    def _named(self, where: str, on: str, op: str, data: Mapping[str, Any]) -> Condition:
        name = data.get("name")
        if not isinstance(name, str) or not name.strip() or not _is_storable(name):
            raise RuleError(f"{where}: name must be text")
        name = name.strip()
        if on == "segment":
            return Condition(on, op, name, rule=self._segment(where, name))
        if on == "attribute":
            return self._attribute(where, op, name, data)
        table: Any = Tag if on == "tag" else ContactList
        name_id = self.session.scalar(select(table.id).where(table.name == name))
        if name_id is None:
            raise RuleError(f"{where}: there is no {on} {name!r}")
        return Condition(on, op, name, name_id, _values(where, on, op, data.get("value"), None))

    def _segment(self, where: str, name: str) -> Rule:
        if name in self.inside:
            raise RuleError(f"{where}: segment {name!r} includes itself ({' → '.join([*self.inside, name])})")
        if len(self.inside) >= MAX_DEPTH:
            raise RuleError(f"{where}: segments stand inside each other more than {MAX_DEPTH} deep")
        data = self.session.scalar(select(Segment.rule).where(Segment.name == name))
        if data is None:
            raise RuleError(f"{where}: there is no segment {name!r}")
        return parse_rule(self.session, data, (*self.inside, name))

    def _attribute(self, where: str, op: str, name: str, data: Mapping[str, Any]) -> Condition:
        kind = self.session.scalar(select(Attribute.type).where(Attribute.name == name))
        if kind is None:
            if name not in OWN_FIELDS:
                raise RuleError(f"{where}: there is no attribute {name!r}")
            kind = AttributeType.TEXT
        if op not in BY_TYPE[kind]:
            raise RuleError(f"{where}: {name} is a {kind}: op {op!r} is not one of {', '.join(BY_TYPE[kind])}")
        values = _values(where, "attribute", op, data.get("value"), kind)
        return Condition("attribute", op, name, values=values, is_number=kind is AttributeType.NUMBER)

    def _behaviour(self, where: str, op: str, data: Mapping[str, Any]) -> Condition:
        numbers = {field: data.get(field) for field in ("days", "campaign", "code")}
        for field, number in numbers.items():
            if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 1):
                raise RuleError(f"{where}: {field} must be a whole number above 0")
            if number is not None and number > MAX_WHOLE[field]:
                raise RuleError(f"{where}: {field} must be at most {MAX_WHOLE[field]}")
        campaign_id = numbers["campaign"]
        known = campaign_id is None or self.session.scalar(
            select(Recipient.id).where(Recipient.campaign_id == campaign_id).limit(1)
        )
        if not known:
            raise RuleError(f"{where}: there is no launched campaign {campaign_id}")
        return Condition("campaign", op, days=numbers["days"], campaign_id=campaign_id, code=numbers["code"])


def _values(where: str, on: str, op: str, value: Any, kind: AttributeType | None) -> tuple[Any, ...]:
    if op not in NEEDS_VALUE:
        return ()
    if op in MANY or op == "between":
        if not isinstance(value, list) or not value or len(value) > MAX_VALUES or (op == "between" and len(value) != 2):
            shape = "a list of two" if op == "between" else f"a list of 1 to {MAX_VALUES}"
            raise RuleError(f"{where}: value must be {shape}")
        given = value
    else:
        given = [value]
    read = tuple(_value(where, on, op, item, kind) for item in given)
    if op == "between" and read[0] > read[1]:
        raise RuleError(f"{where}: between {given[0]} and {given[1]} is nothing; the lower one comes first")
    return read


def _value(where: str, on: str, op: str, value: Any, kind: AttributeType | None) -> Any:
    if op == "last_days":
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_DAYS:
            raise RuleError(f"{where}: value must be a whole number of days from 1 to {MAX_DAYS}")
        return value
    if on in DAYS_SINCE:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_DAYS:
            raise RuleError(f"{where}: value must be a whole number of days from 0 to {MAX_DAYS}")
        return value
    if kind is AttributeType.NUMBER or on in MONEY or on == "orders_count":
        most = MAX_MONEY if on in MONEY else MAX_NUMBER
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= most:
            raise RuleError(f"{where}: value must be a number" + (f" up to {MAX_MONEY:.0f}" if on in MONEY else ""))
        return float(value)
    if kind is AttributeType.DATE:
        return _date(where, value).isoformat()
    if on in MOMENTS:
        return _moment(where, value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | float) or not _is_storable(value) or not str(value).strip():
        raise RuleError(f"{where}: value must be text")
    if on == "consent" and value not in list(Consent):
        raise RuleError(f"{where}: value {value!r} is not one of {', '.join(Consent)}")
    return str(value)


def _is_storable(value: str | float) -> bool:
    """Whether both databases can compare with it."""
    if isinstance(value, str):
        return not any(letter == "\x00" or "\ud800" <= letter <= "\udfff" for letter in value)
    return abs(value) <= MAX_NUMBER


def _currency(where: str, value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or not _CURRENCY.fullmatch(value):
        raise RuleError(f"{where}: currency must be a code such as EUR")
    return value


def _date(where: str, value: Any) -> date:
    try:
        return value if isinstance(value, date) and not isinstance(value, datetime) else date.fromisoformat(str(value))
    except ValueError:
        raise RuleError(f"{where}: value {value!r} must be a date such as 2026-11-22") from None


def _moment(where: str, value: Any) -> datetime:
    """A moment with its offset, or a day, which begins at midnight UTC."""
    try:
        read = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        raise RuleError(
            f"{where}: value {value!r} must be a date such as 2026-11-22 or a time with its offset"
        ) from None
