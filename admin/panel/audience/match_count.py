"""Counts who matches a rule in slices, over several requests: no page waits for a million contacts.

The browser sends back what was counted so far. It is only shown, so a forged count harms nobody.
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
    """The count so far, and a sample of who matches."""

    tally: MatchCount
    sample: Sequence[Contact]
    state: str
    """What the browser sends with its next request."""
    is_whole: bool = True
    """False if conditions with a problem were left out: then there is no total."""

    @property
    def html(self) -> str:
        """The HTML fragment that shows the count."""
        return render_template("panel/matches.html", matches=self)

    def answer(self, groups: Sequence[Sequence[Row]]) -> dict[str, Any]:
        """The JSON answer: fragments, counts and problems by field name, the state and whether the count is done."""
        texts = condition_counts(self.tally, groups)
        rows = [row for group in groups for row in group]
        return {
            "parts": {"matches": self.html},
            "counts": {row.field: texts.get(row.field, "") for row in rows},
            "problems": {row.field: "" if row.is_open else row.problem for row in rows},
            "state": self.state,
            "done": self.tally.is_done,
        }


def count_matches(session: Session, groups: Sequence[Sequence[Row]], name: str, state: str, seconds: float) -> Matches:
    """Continue the count from `state` for about `seconds`; a state of other conditions starts anew.

    Conditions with a problem are left out. Raises RuleError if the rule cannot be read, for example with too many conditions.
    """
    valid_rows = _valid_rows(groups)
    if not valid_rows:
        return Matches(MatchCount(0, (), ()), (), "", False)
    data = as_rule(valid_rows)
    rule = parse_rule(session, data, inside=(name,) if name else ())
    rule_hash = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]
    tally = count_for(session, rule, _unpack(state, rule_hash, rule) or begin_count(session, rule), seconds)
    is_whole = not any(row.problem for group in groups for row in group)
    return Matches(tally, load_sample(session, tally), _pack(tally, rule_hash), is_whole)


def condition_counts(tally: MatchCount, groups: Sequence[Sequence[Row]]) -> Mapping[str, str]:
    """How many contacts match each condition, by field name; followed by … while the count is not done."""
    more = "" if tally.is_done else "…"
    pairs = zip(_valid_rows(groups), tally.each, strict=False)
    return {
        row.field: f"{number(count)}{more}"
        for group, group_counts in pairs
        for row, count in zip(group, group_counts, strict=False)
    }


def _valid_rows(groups: Sequence[Sequence[Row]]) -> list[list[Row]]:
    valid_rows = [[row for row in group if not row.problem] for group in groups]
    return [group for group in valid_rows if group]


def _pack(tally: MatchCount, rule_hash: str) -> str:
    return json.dumps([rule_hash, tally.until, tally.cursor, tally.total, tally.groups, tally.each, tally.sample])


def _unpack(state: str, rule_hash: str, rule: SegmentRule) -> MatchCount | None:
    try:
        stored_hash, until, cursor, total, groups, each, sample = json.loads(state)
        tally = MatchCount(
            _read_count(until),
            tuple(tuple(_read_count(value) for value in group) for group in each),
            tuple(_read_count(value) for value in groups),
            _read_count(total),
            tuple(_read_count(value) for value in sample[:20]),
            _read_count(cursor),
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    sizes = [len(group) for group in rule.groups]
    fits = [len(group) for group in tally.each] == sizes and len(tally.groups) == len(sizes)
    return tally if stored_hash == rule_hash and fits else None


def _read_count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _MAX_SAFE_INTEGER:
        raise ValueError("no count")
    return value
