"""Computes shares of people: percentages, and the interval in which a share probably lies (of few people a rate says little)."""

from math import sqrt
from typing import NamedTuple

Z95 = 1.96


class ShareInterval(NamedTuple):
    """The 95 % Wilson score interval of a share; both from 0 to 1."""

    low: float
    high: float


def share_interval(part: int, whole: int) -> ShareInterval:
    """The interval for `part` of `whole`; of nobody it is everything."""
    if whole <= 0:
        return ShareInterval(0.0, 1.0)
    share = min(part, whole) / whole
    z2 = Z95 * Z95
    centre = share + z2 / (2 * whole)
    margin = Z95 * sqrt(share * (1 - share) / whole + z2 / (4 * whole * whole))
    scale = 1 + z2 / whole
    return ShareInterval(max(0.0, (centre - margin) / scale), min(1.0, (centre + margin) / scale))


def percentage(part: int, whole: int) -> float:
    """With one decimal; 0.0 of nothing. At most 100, since a reply or a click can come before the delivered status."""
    return min(100.0, round(100 * part / whole, 1)) if whole else 0.0
