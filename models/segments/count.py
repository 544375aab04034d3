"""Counts the contacts that match a rule, and each of its conditions and groups, in one pass over the contacts in slices.

The count so far is a value, so that a caller can stop after any slice and continue from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, literal_column, or_, select
from sqlalchemy.orm import Session

from models.segments.compile import compile_condition, compile_rule
from models.segments.rule import SegmentRule
from models.tables.contact import Contact

SAMPLE = 8
_CONTACT = Contact.__table__
_BY_INDEX = {"probes": True}


@dataclass(frozen=True, slots=True)
class MatchCount:
    """The counts of contacts up to `cursor`; `until` is the highest id at the start."""

    until: int
    each: tuple[tuple[int, ...], ...]
    """How many contacts match each condition, by group."""
    groups: tuple[int, ...]
    """How many contacts match all conditions of each group."""
    total: int = 0
    sample: tuple[int, ...] = ()
    cursor: int = 0

    @property
    def is_done(self) -> bool:
        """Whether all contacts were counted."""
        return self.cursor >= self.until

    @property
    def share(self) -> float:
        """The progress, from 0 to 1."""
        return 1.0 if self.is_done else self.cursor / self.until


def begin_count(session: Session, rule: SegmentRule) -> MatchCount:
    """Return an empty count."""
    until = session.scalar(select(func.max(Contact.id))) or 0
    return MatchCount(until, tuple((0,) * len(group) for group in rule.groups), (0,) * len(rule.groups))


def count_slice(session: Session, rule: SegmentRule, tally: MatchCount, now: datetime, size: int) -> MatchCount:
    """Return the count with the next `size` contacts added."""
    until = _end_of_slice(session, tally, size)
    of_slice = (_CONTACT.c.id > tally.cursor, _CONTACT.c.id <= until, _CONTACT.c.merged_into_id.is_(None))
    conditions = [compile_condition(item, now, _CONTACT) for group in rule.groups for item in group]
    # OFFSET 0 keeps both databases from evaluating a condition once for each count that it is part of.
    evaluated = select(*(it.label(f"c{n}") for n, it in enumerate(conditions))).where(*of_slice)
    answers = evaluated.offset(literal_column("0")).subquery()
    grouped = _grouped(list(answers.c), [len(group) for group in rule.groups])
    group_matches = [and_(*group) for group in grouped]
    figures = [*(it for group in grouped for it in group), *group_matches, or_(*group_matches)]
    row = session.execute(
        select(*(func.count().filter(it) for it in figures)).select_from(answers), execution_options=_BY_INDEX
    ).one()
    counted = _grouped(list(row), [*(len(group) for group in rule.groups), len(rule.groups), 1])
    sample = tally.sample
    if row[-1] and len(sample) < SAMPLE:
        matching_ids = select(_CONTACT.c.id).where(*of_slice, compile_rule(rule, now, _CONTACT)).order_by(_CONTACT.c.id)
        matching_ids = matching_ids.limit(SAMPLE - len(sample)).execution_options(**_BY_INDEX)
        sample = (*sample, *session.scalars(matching_ids))
    return replace(
        tally,
        each=tuple(_sum(previous, added) for previous, added in zip(tally.each, counted, strict=False)),
        groups=_sum(tally.groups, counted[-2]),
        total=tally.total + int(row[-1]),
        sample=sample,
        cursor=until,
    )


def load_sample(session: Session, tally: MatchCount) -> list[Contact]:
    """Return the contacts of the sample, by id."""
    return list(session.scalars(select(Contact).where(Contact.id.in_(tally.sample)).order_by(Contact.id)))


def _end_of_slice(session: Session, tally: MatchCount, size: int) -> int:
    ids = (
        select(Contact.id).where(Contact.id > tally.cursor, Contact.id <= tally.until).order_by(Contact.id).limit(size)
    )
    number, last = session.execute(select(func.count(), func.max(ids.subquery().c.id))).one()
    return tally.until if number < size else int(last)


def _grouped(flat: Sequence[Any], sizes: Sequence[int]) -> list[list[Any]]:
    items = iter(flat)
    return [[next(items) for _ in range(size)] for size in sizes]


def _sum(previous: Sequence[int], added: Sequence[Any]) -> tuple[int, ...]:
    return tuple(before + int(new) for before, new in zip(previous, added, strict=True))
