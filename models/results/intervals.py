"""Says how sure a rate is: Wilson's 95 % interval, and whether two rates differ."""

from dataclasses import dataclass
from enum import StrEnum
from math import sqrt

Z = 1.959964
"""Of the normal distribution, for 95 %."""
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
class Rate:
    """`part` of `whole` people."""

    part: int
    whole: int

    @property
    def pct(self) -> float:
        """The percentage with one decimal, at most 100; 0.0 of nothing."""
        return min(100.0, round(100 * self.part / self.whole, 1)) if self.whole else 0.0

    @property
    def is_enough(self) -> bool:
        """Whether there are enough people to tell."""
        return self.whole >= TOO_FEW

    @property
    def interval(self) -> tuple[float, float]:
        """The lower and upper end of Wilson's 95 % interval, in percent with one decimal. (0.0, 100.0) of nothing."""
        if not self.whole:
            return 0.0, 100.0
        share = min(1.0, self.part / self.whole)
        square = Z * Z / self.whole
        middle = share + square / 2
        half = Z * sqrt(share * (1 - share) / self.whole + square / (4 * self.whole))
        low, high = (middle - half) / (1 + square), (middle + half) / (1 + square)
        return round(100 * max(0.0, low), 1), round(100 * min(1.0, high), 1)

    def against(self, other: "Rate") -> Verdict:
        """Whether this rate is certainly higher or lower than the other one."""
        if not (self.is_enough and other.is_enough):
            return Verdict.TOO_FEW
        (low, high), (other_low, other_high) = self.interval, other.interval
        if low > other_high:
            return Verdict.HIGHER
        return Verdict.LOWER if high < other_low else Verdict.NO_DIFFERENCE
