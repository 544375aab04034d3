"""What an explanation says: the rules in the order of the waterfall, and what happened, each with its time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from models.tables.recipient import NotSent
from models.text import Text


class RuleResult(StrEnum):
    """What a rule says about somebody."""

    PASSED = "passed"
    LEFT_OUT = "left_out"
    """It leaves the person out."""
    ALSO = "also"
    """It would leave the person out too, but an earlier rule did."""
    NOT_ASKED = "not_asked"
    """The campaign or the installation does not ask it, or an earlier rule decided."""


@dataclass(frozen=True, slots=True)
class RuleStep:
    """One rule. `fact`: by what it was judged; `at`: since when that is so, or when it was judged."""

    reason: NotSent | None
    """None: whether the audience includes the person at all."""
    result: RuleResult
    fact: Text
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HappenedStep:
    """Something that happened to the message."""

    text: Text
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why, or why not. `is_judged_now`: by the rules as of `at`; else by what was recorded."""

    is_judged_now: bool
    at: datetime
    verdict: Text
    rules: Sequence[RuleStep]
    happened: Sequence[HappenedStep] = ()
    is_written_to: bool = False
    """Whether the message was sent or would be."""
