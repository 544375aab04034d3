"""A segment's rule between the browser and its public form: fields `c-<group>-<place>-<part>` in both directions."""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from typing import Any

from models.rule_terms import MANY, MONEY, NAMED, NEEDS_VALUE, SPANS

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
MOST = 50
_FIELD = re.compile(r"c-([0-9]{1,2})-([0-9]{1,2})-on")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_BETWEEN = re.compile(r'("(?:[^"]|"")*")|,')
_NUMERIC = frozenset({"equal", "less", "at_most", "more", "at_least", *SPANS})


def empty_rule() -> dict[str, Any]:
    """Where a new segment begins."""
    return {"any": [{"all": []}]}


def groups_of(rule: Any) -> list[list[dict[str, Any]]]:
    """The conditions of a stored rule, by group."""
    groups = rule.get("any", [rule]) if isinstance(rule, Mapping) else []
    return [[dict(item) for item in group.get("all", [])] for group in groups if isinstance(group, Mapping)]


def read_groups(form: Any) -> list[list[dict[str, Any]]]:
    """What was filled in. Nothing is checked here: the rule's own reader says what is wrong."""
    places = sorted((int(found[1]), int(found[2])) for name in form if (found := _FIELD.fullmatch(name)))
    groups: dict[int, list[dict[str, Any]]] = {}
    for group, place in places[: MOST * MOST]:
        field = f"c-{group}-{place}"
        if form.get(f"{field}-on"):
            groups.setdefault(group, []).append(_condition(form, field))
    return [groups[key] for key in sorted(groups)] or [[]]


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
                item[name] = int(given) if given.isascii() and given.isdigit() and len(given) < 10 else given
    elif op in MANY:
        item["value"] = unlisted(text)
    elif op == "between":
        item["value"] = [_typed(op, part.strip()) for part in text.replace(" and ", ",").split(",") if part.strip()]
    elif op in NEEDS_VALUE:
        item["value"] = _typed(op, text)
    if on in MONEY and (currency := form.get(f"{field}-currency", "").strip()):
        item["currency"] = currency.upper()
    return item


def listed(values: Iterable[Any]) -> str:
    """Several values in one field: `Madrid, "Smith, Inc"`."""
    line = io.StringIO()
    csv.writer(line).writerow([str(value) for value in values])
    return _BETWEEN.sub(lambda found: found[1] or ", ", line.getvalue().strip())


def unlisted(text: str) -> list[str]:
    """The values of such a field; the quotes are for values with a comma in them."""
    return [part.strip() for line in csv.reader([text], skipinitialspace=True) for part in line if part.strip()]


def _typed(op: str, text: str) -> Any:
    """Numbers where the operator compares numbers; everything else stays text."""
    if (op in _NUMERIC or op == "between") and _NUMBER.fullmatch(text) and len(text) < 16:
        return int(text) if "." not in text else float(text)
    return text
