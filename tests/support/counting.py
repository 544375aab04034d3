"""Who matches a rule: everybody is looked at, in slices of a few."""

from datetime import datetime

from sqlalchemy.orm import Session

from models.segments.count import Tally, begin_count, contacts_of, count_on
from models.segments.rule import Rule
from models.tables.contact import Contact


def counted(session: Session, rule: Rule, now: datetime, size: int = 3) -> Tally:
    """All of them."""
    tally = begin_count(session, rule)
    while not tally.is_done:
        tally = count_on(session, rule, tally, now, size)
    return tally


def count_matching(session: Session, rule: Rule, now: datetime) -> int:
    """How many match now."""
    return counted(session, rule, now).total


def sample_matching(session: Session, rule: Rule, now: datetime) -> list[Contact]:
    """The first of those who match."""
    return contacts_of(session, counted(session, rule, now))
