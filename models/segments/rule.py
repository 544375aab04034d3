"""Parses a segment's rule: groups of conditions, AND inside a group, OR between groups.

`{"any": [{"all": [condition, …]}, …]}`; a segment of one group may be written `{"all": [condition, …]}`. A condition is an
object `{"on": subject, "op": operator, …}`; models.segments.operators lists the operators of each subject.

Every condition is true or false, never unknown: a missing value matches `is_not`, and is in no range.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.contacts.field_values import CONTACT_FIELDS
from models.contacts.tag_names import find_tag_id
from models.db.engine import zone_of
from models.segments.campaign_people import BUTTON, CampaignFigure
from models.segments.operators import (
    BY_TYPE,
    MAX_CONDITIONS,
    MAX_DEPTH,
    MAX_NAME,
    MAX_SIZE,
    MAX_WHOLE,
    MONEY,
    NAMED,
    NEEDS_VALUE,
    NUMERIC,
    OPERATORS,
    RESERVED,
    RuleError,
)
from models.segments.values import is_storable, read_currency, read_values
from models.tables.recipient import NotSent, Recipient
from models.tables.segment import Segment
from models.tables.tag import Attribute, AttributeType, ContactList

FIGURE_OPS = frozenset({"is", "is_not"})
"""Operators on past campaigns that ask in which figure somebody counts."""
_FIGURE_FIELDS: Mapping[str, tuple[str, ...]] = {
    CampaignFigure.NOT_SENT: ("reason",),
    CampaignFigure.FAILED: ("code",),
    CampaignFigure.TAPPED: ("button",),
}


@dataclass(frozen=True, slots=True)
class RuleCondition:
    """One condition on a contact. `values` have the type that the operator compares: text, float, date or datetime."""

    on: str
    op: str
    name: str = ""
    name_id: int | None = None
    values: tuple[Any, ...] = ()
    days: int | None = None
    campaign_id: int | None = None
    code: int | None = None
    figure: CampaignFigure | None = None
    """Of a past campaign: the figure in which the contact counts (`is`) or does not (`is_not`)."""
    reason: NotSent | None = None
    button: str | None = None
    rule: "SegmentRule | None" = None
    """The rule of the segment that the condition names."""
    is_number: bool = False
    currency: str = ""
    zone: tzinfo = UTC
    """The business's time zone, which defines days."""


@dataclass(frozen=True, slots=True)
class SegmentRule:
    """Groups of conditions: matches if all conditions of any group hold."""

    groups: tuple[tuple[RuleCondition, ...], ...]

    @property
    def size(self) -> int:
        """Number of conditions and values, including those of nested segments."""
        conditions = [item for group in self.groups for item in group]
        return sum(1 + len(item.values) + (item.rule.size if item.rule else 0) for item in conditions)


def parse_rule(session: Session, data: Any, inside: tuple[str, ...] = ()) -> SegmentRule:
    """Parse a rule and look up its names. `inside` has the names of the enclosing segments, the outermost first.

    Raises RuleError if the form is wrong, a name does not exist, or a bound is exceeded.
    """
    if not isinstance(data, Mapping) or len(data) != 1 or next(iter(data)) not in {"any", "all"}:
        raise RuleError("a rule must be an object with any (a list of groups) or all (a list of conditions)")
    groups = data.get("any", [data])
    if not isinstance(groups, list) or not groups:
        raise RuleError("any: must be a list of at least one group")
    parsed_groups = []
    count = 0
    for position, group in enumerate(groups):
        where = f"any[{position}]." if "any" in data else ""
        conditions = group.get("all") if isinstance(group, Mapping) and set(group) == {"all"} else None
        if not isinstance(conditions, list) or not conditions:
            raise RuleError("{where}all: must be a list of at least one condition", where=where)
        count += len(conditions)
        if count > MAX_CONDITIONS:
            raise RuleError("it has more than {max_conditions} conditions", max_conditions=MAX_CONDITIONS)
        reader = _Reader(session, inside)
        parsed_groups.append(
            tuple(reader.read(f"{where}all[{n}]", condition) for n, condition in enumerate(conditions))
        )
    rule = SegmentRule(tuple(parsed_groups))
    if rule.size > MAX_SIZE:
        raise RuleError(
            "it and the segments in it hold more than {max_size} conditions and values; make lists of them",
            max_size=MAX_SIZE,
        )
    return rule


class _Reader:
    """Parses conditions: first their form, then the names in them."""

    def __init__(self, session: Session, inside: tuple[str, ...]) -> None:
        self.session = session
        self.inside = inside
        self.zone = zone_of(session)

    def read(self, where: str, data: Any) -> RuleCondition:
        on = data.get("on") if isinstance(data, Mapping) else None
        if not isinstance(on, str) or on not in OPERATORS:
            raise RuleError(
                "{where}: on {on!r} is not one of {allowed}", where=where, on=on, allowed=", ".join(OPERATORS)
            )
        op = data.get("op")
        if on == "campaign" and op in RESERVED:
            raise RuleError(
                "{where}: op {op!r} is for tracked links, which do not exist yet; a pressed button is {pressed!r}",
                where=where,
                op=op,
                pressed=op.replace("clicked", "pressed"),
            )
        if op not in OPERATORS[on]:
            raise RuleError(
                "{where}: op {op!r} is not one of {operators}", where=where, op=op, operators=", ".join(OPERATORS[on])
            )
        allowed = {"on", "op"} | ({"name"} if on in NAMED else set()) | ({"value"} if op in NEEDS_VALUE else set())
        if on == "campaign":
            value = str(data.get("value"))
            allowed |= {"campaign", *_FIGURE_FIELDS.get(value, ())} if op in FIGURE_OPS else {"campaign", "days"}
            allowed |= {"code"} if op == "failed" else set()
        if on in MONEY:
            allowed.add("currency")
        extra = set(data) - allowed
        if extra:
            raise RuleError(
                "{where}: {extra!r} does not belong to {on} {op}",
                where=where,
                extra=sorted(map(str, extra))[0],
                on=on,
                op=op,
            )
        if on in NAMED:
            return self._named(where, on, op, data)
        if on == "campaign":
            return self._campaign(where, op, data)
        values = read_values(where, on, op, data.get("value"), self.zone)
        return RuleCondition(on, op, values=values, currency=read_currency(where, data.get("currency")))

    def _named(self, where: str, on: str, op: str, data: Mapping[str, Any]) -> RuleCondition:
        name = data.get("name")
        if not isinstance(name, str) or not name.strip() or not is_storable(name):
            raise RuleError("{where}: name must be text", where=where)
        name = name.strip()
        if len(name) > MAX_NAME:
            raise RuleError(
                "{where}: name must be text of at most {max_name} characters", where=where, max_name=MAX_NAME
            )
        if on == "segment":
            return RuleCondition(on, op, name, rule=self._segment(where, name))
        if on == "attribute":
            return self._attribute(where, op, name, data)
        if on == "tag":
            name_id = find_tag_id(self.session, name)
        else:
            name_id = self.session.scalar(select(ContactList.id).where(ContactList.name == name))
        if name_id is None:
            raise RuleError("{where}: there is no {on} {name!r}", where=where, on=on, name=name)
        kind = AttributeType.NUMBER if on == "tag" and op in NUMERIC else None
        return RuleCondition(on, op, name, name_id, read_values(where, on, op, data.get("value"), self.zone, kind))

    def _segment(self, where: str, name: str) -> SegmentRule:
        if name in self.inside:
            raise RuleError(
                "{where}: segment {name!r} includes itself ({name_2})",
                where=where,
                name=name,
                name_2=" → ".join([*self.inside, name]),
            )
        if len(self.inside) >= MAX_DEPTH:
            raise RuleError(
                "{where}: segments stand inside each other more than {max_depth} deep", where=where, max_depth=MAX_DEPTH
            )
        data = self.session.scalar(select(Segment.rule).where(Segment.name == name))
        if data is None:
            raise RuleError("{where}: there is no segment {name!r}", where=where, name=name)
        try:
            return parse_rule(self.session, data, (*self.inside, name))
        except RuleError as error:
            raise RuleError("{where}: segment {name!r}: {error}", where=where, name=name, error=error) from error

    def _attribute(self, where: str, op: str, name: str, data: Mapping[str, Any]) -> RuleCondition:
        kind = self.session.scalar(select(Attribute.type).where(Attribute.name == name))
        if kind is None:
            if name not in CONTACT_FIELDS:
                raise RuleError("{where}: there is no attribute {name!r}", where=where, name=name)
            kind = AttributeType.TEXT
        if op not in BY_TYPE[kind]:
            raise RuleError(
                "{where}: {name} is a {kind}: op {op!r} is not one of {by_type}",
                where=where,
                name=name,
                kind=kind,
                op=op,
                by_type=", ".join(BY_TYPE[kind]),
            )
        values = read_values(where, "attribute", op, data.get("value"), self.zone, kind)
        is_number = kind is AttributeType.NUMBER
        return RuleCondition("attribute", op, name, values=values, is_number=is_number, zone=self.zone)

    def _campaign(self, where: str, op: str, data: Mapping[str, Any]) -> RuleCondition:
        numbers = {field: data.get(field) for field in ("days", "campaign", "code")}
        for field, number in numbers.items():
            if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 1):
                raise RuleError("{where}: {field} must be a whole number above 0", where=where, field=field)
            if number is not None and number > MAX_WHOLE[field]:
                raise RuleError(
                    "{where}: {field} must be at most {max_whole}", where=where, field=field, max_whole=MAX_WHOLE[field]
                )
        campaign_id = numbers["campaign"]
        figure, reason, button = self._figure(where, op, data)
        is_launched = campaign_id is None or self.session.scalar(
            select(Recipient.id).where(Recipient.campaign_id == campaign_id).limit(1)
        )
        if not is_launched:
            raise RuleError(
                "{where}: there is no launched campaign {campaign_id}", where=where, campaign_id=campaign_id
            )
        return RuleCondition(
            "campaign",
            op,
            days=numbers["days"],
            campaign_id=campaign_id,
            code=numbers["code"],
            figure=figure,
            reason=reason,
            button=button,
        )

    def _figure(
        self, where: str, op: str, data: Mapping[str, Any]
    ) -> tuple[CampaignFigure | None, NotSent | None, str | None]:
        """The figure of `is` and `is_not`, with what narrows it."""
        if op not in FIGURE_OPS:
            return None, None, None
        value, reason, button = data.get("value"), data.get("reason"), data.get("button")
        for field, given, allowed in (("value", value, CampaignFigure), ("reason", reason, NotSent)):
            if (given is not None or field == "value") and not (isinstance(given, str) and given in set(allowed)):
                raise RuleError(
                    "{where}: {field} {value!r} is not one of {allowed}",
                    where=where,
                    field=field,
                    value=given,
                    allowed=", ".join(allowed),
                )
        if button is not None and not (isinstance(button, str) and BUTTON.fullmatch(button)):
            raise RuleError("{where}: button must be its place, such as 1, or 2.0 on a card", where=where)
        return CampaignFigure(str(value)), None if reason is None else NotSent(reason), button
