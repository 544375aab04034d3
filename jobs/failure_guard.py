"""When too many sends of a campaign fail alike: a lower confidence bound over the last ones, not a raw ratio, so that three bad
numbers at the start stop nothing and a broken campaign stops within seconds. Pure."""

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from math import sqrt

WINDOW = 100
LEAST = 20
THRESHOLD = 0.5
Z95 = 1.96


def lower_bound(failed: int, total: int) -> float:
    """Wilson's lower bound of a share, 95 %."""
    if total == 0:
        return 0.0
    share = failed / total
    z2 = Z95 * Z95
    centre = share + z2 / (2 * total)
    margin = Z95 * sqrt(share * (1 - share) / total + z2 / (4 * total * total))
    return (centre - margin) / (1 + z2 / total)


class FailureGuard:
    """The last outcomes of one campaign: `known` from earlier lanes, then this lane's own."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._kinds: deque[str] = deque(known, maxlen=WINDOW)
        self._counts: Counter[str] = Counter(self._kinds)

    def add(self, kind: str) -> str | None:
        """Note one outcome (empty for a success); the kind of failure that went too far, if one did."""
        if len(self._kinds) == WINDOW:
            self._counts[self._kinds[0]] -= 1
        self._kinds.append(kind)
        self._counts[kind] += 1
        if not kind or len(self._kinds) < LEAST:
            return None
        return kind if lower_bound(self._counts[kind], len(self._kinds)) > THRESHOLD else None

    @property
    def kinds(self) -> Sequence[str]:
        """The last outcomes, the newest last."""
        return tuple(self._kinds)

    def share(self, kind: str) -> tuple[int, int]:
        """How many of the last outcomes were of this kind, and how many there were."""
        return self._counts[kind], len(self._kinds)
