"""Stores and reads segments; a rule is parsed before it is stored, so that no invalid rule is stored."""

import json
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.errors import OperatorError
from models.segments.operators import RuleError
from models.segments.references import campaigns_preparing, spell_tags
from models.segments.rule import parse_rule
from models.tables.segment import Segment

MAX_NAME = 200


def save_segment(session: Session, name: str, data: Any, now: datetime) -> int:
    """Create or change the segment of this name and return its id.

    Raises RuleError if the rule is invalid or includes itself, OperatorError while a launch has evaluated the old rule for a part
    of its contacts.
    """
    name = name.strip()
    if not name or len(name) > MAX_NAME:
        raise RuleError("segment: name must be text of 1 to {max_name} characters", max_name=MAX_NAME)
    parse_rule(session, data, inside=(name,))
    rule = spell_tags(session, json.loads(json.dumps(data, default=_iso)))
    segment = session.scalar(select(Segment).where(Segment.name == name))
    if segment is None:
        segment = Segment(name=name, rule=rule, created_at=now, updated_at=now)
        session.add(segment)
    elif segment.rule != rule:
        if campaign_names := campaigns_preparing(session, "segment", name):
            raise OperatorError(
                "the segment “{name}” is used by {words}, being prepared now; wait until it sends, or end it",
                name=name,
                words=campaign_names,
            )
        segment.rule, segment.updated_at = rule, now
    session.flush()
    return segment.id


def _iso(value: Any) -> str:
    """Convert dates, which YAML parses, back to text."""
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise RuleError("{value!r} cannot be part of a rule", value=value)
