"""A segment's rule between the browser and its public form: fields `c-<group>-<place>-<part>` in both directions."""

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


@dataclass
class Row:
    """A condition as it stands in the form."""

    field: str
    """What its fields' names begin with."""
    item: dict[str, Any]
    operators: tuple[str, ...] = ()
    asks: str = ""
    """What its value is: days, day, number, consent, switch, several or text; empty where there is none."""
    problem: str = ""
    is_open: bool = False
    """Not filled in yet: said when it is saved, not while somebody is at it."""
    count: str = ""
    """How many match it, as it is shown."""

    @property
    def values(self) -> list[Any]:
        """What stands in its fields: two between bounds, one else."""
        value = self.item.get("value", "")
        if self.item.get("op") == "between":
            return [*value, "", ""][:2] if isinstance(value, list) else [value, ""]
        return [listed(value) if isinstance(value, list) else value]


def rows_of(rule: Any) -> list[list[Row]]:
    """The conditions of a stored rule, by group."""
    groups = rule.get("any", [rule]) if isinstance(rule, Mapping) else []
    found = [group.get("all", []) for group in groups if isinstance(group, Mapping)]
    return [[Row(f"c-{n}-{place}", dict(item)) for place, item in enumerate(items)] for n, items in enumerate(found)]


def read_rows(form: Any) -> list[list[Row]]:
    """What was filled in, without what was dropped. Nothing is checked here."""
    places = sorted((int(found[1]), int(found[2])) for name in form if (found := _FIELD.fullmatch(name)))
    groups: dict[int, list[Row]] = {}
    for group, place in places[: MAX_ROWS * MAX_ROWS]:
        field = f"c-{group}-{place}"
        if form.get(f"{field}-on") and form.get("drop") != field:
            groups.setdefault(group, []).append(Row(field, _condition(form, field)))
    return [groups[key] for key in sorted(groups)]


def as_rule(groups: Sequence[Sequence[Row]]) -> dict[str, Any]:
    """The public form of these rows."""
    return {"any": [{"all": [row.item for row in group]} for group in groups if group]}


def furnish(row: Row, types: Mapping[str, AttributeType]) -> None:
    """Say what can be asked of it and how; what cannot becomes the first that can. `types`: of the attributes."""
    on, item = row.item.get("on", ""), row.item
    kind = types.get(item.get("name", ""), AttributeType.TEXT) if on == "attribute" else None
    row.operators = BY_TYPE[kind] if kind else OPERATORS.get(on, ())
    if row.operators and item.get("op") not in row.operators:
        item["op"] = row.operators[0]
    row.asks = _asks(on, item.get("op", ""), kind)


def lacks(item: Mapping[str, Any]) -> str:
    """What still has to be filled in, in a sentence; empty where nothing has to."""
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


def listed(values: Iterable[Any]) -> str:
    """Several values in one field: `Madrid, "Smith, Inc"`."""
    line = io.StringIO()
    csv.writer(line).writerow([str(value) for value in values])
    return _BETWEEN.sub(lambda found: found[1] or ", ", line.getvalue().strip())


def unlisted(text: str) -> list[str]:
    """The values of such a field; the quotes are for values with a comma in them."""
    return [part.strip() for line in csv.reader([text], skipinitialspace=True) for part in line if part.strip()]


def is_day(value: Any) -> bool:
    """Whether a browser's field for days can show it."""
    return value == "" or _DAY.fullmatch(str(value)) is not None


def _asks(on: str, op: str, kind: AttributeType | None) -> str:
    if op not in NEEDS_VALUE or on == "campaign":
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
            given = form.get(f"{field}-{name}", "").strip()
            if given and not (name == "code" and op != "failed"):
                whole = name != "campaign" and given.isascii() and given.isdigit() and len(given) < 10
                item[name] = int(given) if whole else given
    elif op in MANY:
        item["value"] = unlisted(text)
    elif op == "between":
        item["value"] = [_typed(op, part) for part in (text, form.get(f"{field}-until", "").strip())]
    elif op in NEEDS_VALUE:
        item["value"] = _typed(op, text)
    if on in MONEY and (currency := form.get(f"{field}-currency", "").strip()):
        item["currency"] = currency.upper()
    return item


def _typed(op: str, text: str) -> Any:
    """Numbers where the operator compares numbers; everything else stays text."""
    if op in _NUMBERS and _NUMBER.fullmatch(text) and len(text) < 16:
        return int(text) if "." not in text else float(text)
    return text
