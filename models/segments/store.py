"""Keeping segments: a rule is read before it is stored, so none that cannot be asked is ever there."""

import json
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.errors import OperatorError
from models.segments.operators import RuleError
from models.segments.references import campaigns_preparing
from models.segments.rule import SegmentRule, parse_rule
from models.tables.segment import Segment

MAX_NAME = 200


def save_segment(session: Session, name: str, data: Any, now: datetime) -> int:
    """Store a segment's rule under its name, new or changed; its id. RuleError where it cannot be read or includes itself.

    Refused while a launch has asked the old rule of some people and not of the others.
    """
    name = name.strip()
    if not name or len(name) > MAX_NAME:
        raise RuleError("segment: name must be text of 1 to {max_name} characters", max_name=MAX_NAME)
    parse_rule(session, data, inside=(name,))
    rule = json.loads(json.dumps(data, default=_iso))
    segment = session.scalar(select(Segment).where(Segment.name == name))
    if segment is None:
        segment = Segment(name=name, rule=rule, created_at=now, updated_at=now)
        session.add(segment)
    elif segment.rule != rule:
        if words := campaigns_preparing(session, "segment", name):
            raise OperatorError(
                "the segment “{name}” is used by {words}, being prepared now; wait until it sends, or end it",
                name=name,
                words=words,
            )
        segment.rule, segment.updated_at = rule, now
    session.flush()
    return segment.id


def read_segment(session: Session, name: str) -> SegmentRule:
    """The stored rule, its names looked up. RuleError where there is none, or it names what is gone."""
    data = session.scalar(select(Segment.rule).where(Segment.name == name))
    if data is None:
        raise RuleError("there is no segment {name!r}", name=name)
    return parse_rule(session, data, inside=(name,))


def _iso(value: Any) -> str:
    """YAML reads dates as dates; they are stored as they were written."""
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise RuleError("{value!r} cannot be part of a rule", value=value)
