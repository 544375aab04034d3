"""Who matches a rule: everybody is looked at, in slices of a few."""

from datetime import datetime

from sqlalchemy.orm import Session

from models.segments.count import MatchCount, begin_count, count_slice, load_sample
from models.segments.rule import SegmentRule
from models.tables.contact import Contact


def counted(session: Session, rule: SegmentRule, now: datetime, size: int = 3) -> MatchCount:
    """All of them."""
    tally = begin_count(session, rule)
    while not tally.is_done:
        tally = count_slice(session, rule, tally, now, size)
    return tally


def count_matching(session: Session, rule: SegmentRule, now: datetime) -> int:
    """How many match now."""
    return counted(session, rule, now).total


def sample_matching(session: Session, rule: SegmentRule, now: datetime) -> list[Contact]:
    """The first of those who match."""
    return load_sample(session, counted(session, rule, now))
