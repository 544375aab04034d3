"""Says how sure a rate is: Wilson's 95 % interval, and whether two rates differ."""

from dataclasses import dataclass
from enum import StrEnum

from models.shares import percentage, share_interval

TOO_FEW = 50
"""A rate of fewer people says nothing."""


class Verdict(StrEnum):
    """How a rate compares with another."""

    TOO_FEW = "too_few"
    """One of them is of fewer than TOO_FEW people."""
    NO_DIFFERENCE = "no_difference"
    """Their intervals overlap: the difference may be chance."""
    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True, slots=True)
class PeopleShare:
    """`part` of `whole` people."""

    part: int
    whole: int

    @property
    def pct(self) -> float:
        """The percentage with one decimal, at most 100; 0.0 of nothing."""
        return percentage(self.part, self.whole)

    @property
    def is_enough(self) -> bool:
        """Whether there are enough people to tell."""
        return self.whole >= TOO_FEW

    @property
    def interval(self) -> tuple[float, float]:
        """The lower and upper end of Wilson's 95 % interval, in percent with one decimal. (0.0, 100.0) of nothing."""
        low, high = share_interval(self.part, self.whole)
        return round(100 * low, 1), round(100 * high, 1)

    def against(self, other: "PeopleShare") -> Verdict:
        """Whether this rate is certainly higher or lower than the other one."""
        if not (self.is_enough and other.is_enough):
            return Verdict.TOO_FEW
        (low, high), (other_low, other_high) = self.interval, other.interval
        if low > other_high:
            return Verdict.HIGHER
        return Verdict.LOWER if high < other_low else Verdict.NO_DIFFERENCE
