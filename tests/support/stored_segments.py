"""Reads a stored segment as the rule that it is."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.segments.rule import SegmentRule, parse_rule
from models.tables.segment import Segment


def stored_rule(session: Session, name: str) -> SegmentRule:
    """The parsed rule of the segment. Raises RuleError if a name in it no longer exists."""
    return parse_rule(session, session.scalars(select(Segment.rule).where(Segment.name == name)).one(), inside=(name,))
