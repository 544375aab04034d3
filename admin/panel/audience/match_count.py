"""Who matches a rule, on a page: counted in pieces, since no page waits for a million contacts.

The browser brings back what was counted so far; it shows it and nothing more, so nothing depends on its being true.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import render_template
from sqlalchemy.orm import Session

from admin.operations.segments import count_for
from admin.panel.audience.rule_form import Row, as_rule
from admin.panel.format import number
from models.segments.count import MatchCount, begin_count, load_sample
from models.segments.rule import SegmentRule, parse_rule
from models.tables.contact import Contact

ASK_SECONDS = 0.7
PAGE_SECONDS = 0.3
_MAX_SAFE_INTEGER = 2**53


@dataclass(frozen=True)
class Matches:
    """What is known of who matches."""

    tally: MatchCount
    sample: Sequence[Contact]
    state: str
    """For the next question."""
    is_whole: bool = True
    """False where conditions were left out that cannot be read yet: there is no total."""

    @property
    def html(self) -> str:
        """The part of the page that shows it."""
        return render_template("panel/matches.html", matches=self)

    def answer(self, groups: Sequence[Sequence[Row]]) -> dict[str, Any]:
        """What the browser puts in its places."""
        counted = counts(self.tally, groups)
        rows = [row for group in groups for row in group]
        return {
            "parts": {"matches": self.html},
            "counts": {row.field: counted.get(row.field, "") for row in rows},
            "problems": {row.field: "" if row.is_open else row.problem for row in rows},
            "state": self.state,
            "done": self.tally.is_done,
        }


def count_matches(session: Session, groups: Sequence[Sequence[Row]], name: str, state: str, seconds: float) -> Matches:
    """Count on from `state` where it belongs to these rows, those without a problem. RuleError where there are too many."""
    asked = _readable(groups)
    if not asked:
        return Matches(MatchCount(0, (), ()), (), "", False)
    data = as_rule(asked)
    rule = parse_rule(session, data, inside=(name,) if name else ())
    mark = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]
    tally = count_for(session, rule, _unpack(state, mark, rule) or begin_count(session, rule), seconds)
    is_whole = not any(row.problem for group in groups for row in group)
    return Matches(tally, load_sample(session, tally), _pack(tally, mark), is_whole)


def counts(tally: MatchCount, groups: Sequence[Sequence[Row]]) -> Mapping[str, str]:
    """How many match each condition, by its field; with dots while others are still to be looked at."""
    more = "" if tally.is_done else "…"
    pairs = zip(_readable(groups), tally.each, strict=False)
    return {row.field: f"{number(one)}{more}" for group, found in pairs for row, one in zip(group, found, strict=False)}


def _readable(groups: Sequence[Sequence[Row]]) -> list[list[Row]]:
    asked = [[row for row in group if not row.problem] for group in groups]
    return [group for group in asked if group]


def _pack(tally: MatchCount, mark: str) -> str:
    return json.dumps([mark, tally.until, tally.cursor, tally.total, tally.groups, tally.each, tally.sample])


def _unpack(state: str, mark: str, rule: SegmentRule) -> MatchCount | None:
    try:
        given, until, cursor, total, groups, each, sample = json.loads(state)
        tally = MatchCount(
            _whole(until),
            tuple(tuple(_whole(it) for it in group) for group in each),
            tuple(_whole(it) for it in groups),
            _whole(total),
            tuple(_whole(it) for it in sample[:20]),
            _whole(cursor),
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    sizes = [len(group) for group in rule.groups]
    fits = [len(group) for group in tally.each] == sizes and len(tally.groups) == len(sizes)
    return tally if given == mark and fits else None


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _MAX_SAFE_INTEGER:
        raise ValueError("no count")
    return value
