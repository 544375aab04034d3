"""Converts a segment's rule between form fields (`c-<group>-<place>-<part>`) and its public JSON form."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.segments.operators import (
    BY_TYPE,
    DAYS_SINCE,
    MANY,
    MOMENTS,
    MONEY,
    NAMED,
    NEEDS_VALUE,
    NUMERIC,
    OPERATORS,
    SPANS,
)
from models.segments.rule import FIGURE_OPS
from models.tables.tag import AttributeType

KINDS = (
    ("tag", "Tag"),
    ("attribute", "Attribute"),
    ("list", "List"),
    ("segment", "Segment"),
    ("consent", "Consent"),
    ("language", "Language"),
    ("country", "Country"),
    ("phone", "Number"),
    ("last_inbound", "Last message from them"),
    ("last_engaged", "Last engaged"),
    ("campaign", "Past campaigns"),
    ("orders_count", "Number of orders"),
    ("total_spent", "Total spent"),
    ("average_order", "Average order value"),
    ("first_order", "First order"),
    ("last_order", "Last order"),
    ("days_since_first_order", "Days since the first order"),
    ("days_since_last_order", "Days since the last order"),
    ("bought_collection", "Bought of the collection"),
    ("bought_brand", "Bought of the brand"),
)
MAX_ROWS = 50
_FIELD = re.compile(r"c-([0-9]{1,2})-([0-9]{1,2})-on")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_BETWEEN = re.compile(r'("(?:[^"]|"")*")|,')
_NUMBERS = NUMERIC | SPANS
FIRST_FIGURE = "read"


@dataclass
class Row:
    """A condition as it is in the form."""

    field: str
    """The prefix of its fields' names, such as `c-0-1`."""
    item: dict[str, Any]
    operators: tuple[str, ...] = ()
    input_kind: str = ""
    """The input of its value: days, day, number, consent, switch, several or text; empty if it has no value."""
    problem: str = ""
    is_open: bool = False
    """Whether it is not filled in yet, which is reported when the form is saved, not while it is edited."""
    count: str = ""
    """How many contacts match it, as text."""

    @property
    def values(self) -> list[Any]:
        """The values of its fields: two if the operator is `between`, else one."""
        value = self.item.get("value", "")
        if self.item.get("op") == "between":
            return [*value, "", ""][:2] if isinstance(value, list) else [value, ""]
        return [join_values(value) if isinstance(value, list) else value]


def rows_from_rule(rule: Any) -> list[list[Row]]:
    """The conditions of a stored rule, by group."""
    groups = rule.get("any", [rule]) if isinstance(rule, Mapping) else []
    conditions = [group.get("all", []) for group in groups if isinstance(group, Mapping)]
    return [
        [Row(f"c-{n}-{place}", dict(item)) for place, item in enumerate(items)] for n, items in enumerate(conditions)
    ]


def read_rows(form: Any) -> list[list[Row]]:
    """The conditions that were submitted, by group, without the dropped one. Nothing is validated here."""
    places = sorted((int(match[1]), int(match[2])) for name in form if (match := _FIELD.fullmatch(name)))
    groups: dict[int, list[Row]] = {}
    for group, place in places[: MAX_ROWS * MAX_ROWS]:
        field = f"c-{group}-{place}"
        if form.get(f"{field}-on") and form.get("drop") != field:
            groups.setdefault(group, []).append(Row(field, _condition(form, field)))
    return [groups[key] for key in sorted(groups)]


def as_rule(groups: Sequence[Sequence[Row]]) -> dict[str, Any]:
    """The public form of the conditions."""
    return {"any": [{"all": [row.item for row in group]} for group in groups if group]}


def set_operators(row: Row, types: Mapping[str, AttributeType]) -> None:
    """Set the operators and the input of a condition, and replace an operator it does not allow. `types`: by attribute name."""
    on, item = row.item.get("on", ""), row.item
    kind = types.get(item.get("name", ""), AttributeType.TEXT) if on == "attribute" else None
    row.operators = BY_TYPE[kind] if kind else OPERATORS.get(on, ())
    if row.operators and item.get("op") not in row.operators:
        item["op"] = row.operators[0]
    row.input_kind = _input_kind(on, item.get("op", ""), kind)


def missing_input(item: Mapping[str, Any]) -> str:
    """What is not filled in yet, as a sentence; empty if nothing is missing."""
    on, op, value = item.get("on"), item.get("op"), item.get("value")
    if on in NAMED and not item.get("name"):
        return f"Choose which {on}."
    if not op:
        return "Choose how it compares."
    if op in NEEDS_VALUE and (
        (not value and value != 0) or (op == "between" and isinstance(value, list) and "" in value)
    ):
        return "Fill in both values." if op == "between" else "Fill in the value."
    return ""


def join_values(values: Iterable[Any]) -> str:
    """Several values in one field: `Madrid, "Smith, Inc"`."""
    line = io.StringIO()
    csv.writer(line).writerow([str(value) for value in values])
    return _BETWEEN.sub(lambda match: match[1] or ", ", line.getvalue().strip())


def split_values(text: str) -> list[str]:
    """The values of such a field; a value with a comma is in quotes."""
    return [part.strip() for line in csv.reader([text], skipinitialspace=True) for part in line if part.strip()]


def is_day(value: Any) -> bool:
    """Whether a date input of a browser can show the value."""
    return value == "" or _DAY.fullmatch(str(value)) is not None


def _input_kind(on: str, op: str, kind: AttributeType | None) -> str:
    if on == "campaign":
        return "figure" if op in FIGURE_OPS else ""
    if op not in NEEDS_VALUE:
        return ""
    if op in SPANS or on in DAYS_SINCE:
        return "days"
    if on in MOMENTS or kind is AttributeType.DATE:
        return "day"
    if op in MANY:
        return "several"
    if on == "consent" or kind is AttributeType.BOOLEAN:
        return "consent" if on == "consent" else "switch"
    if on == "tag" and op in NUMERIC:
        return "number"
    return "number" if on in MONEY or on == "orders_count" or kind is AttributeType.NUMBER else "text"


def _condition(form: Any, field: str) -> dict[str, Any]:
    on, op = form[f"{field}-on"], form.get(f"{field}-op", "")
    item: dict[str, Any] = {"on": on, "op": op}
    if on in NAMED:
        item["name"] = form.get(f"{field}-name", "").strip()
    text = form.get(f"{field}-value", "").strip()
    if on == "campaign":
        for name in ("campaign", "days", "code"):
            entry = form.get(f"{field}-{name}", "").strip()
            if entry and not (name == "code" and op != "failed" and text != "failed"):
                is_whole = name != "campaign" and entry.isascii() and entry.isdigit() and len(entry) < 10
                item[name] = int(entry) if is_whole else entry
        if op in FIGURE_OPS:
            item["value"] = text or FIRST_FIGURE
            item |= {name: entry for name in ("reason", "button") if (entry := form.get(f"{field}-{name}", "").strip())}
    elif op in MANY:
        item["value"] = split_values(text)
    elif op == "between":
        item["value"] = [_typed(op, part) for part in (text, form.get(f"{field}-until", "").strip())]
    elif op in NEEDS_VALUE:
        item["value"] = _typed(op, text)
    if on in MONEY and (currency := form.get(f"{field}-currency", "").strip()):
        item["currency"] = currency.upper()
    return item


def _typed(op: str, text: str) -> Any:
    """A number if the operator compares numbers, else the text."""
    if op in _NUMBERS and _NUMBER.fullmatch(text) and len(text) < 16:
        return int(text) if "." not in text else float(text)
    return text
