"""When too many sends of a campaign fail alike: a lower confidence bound over the last ones, not a raw ratio, so that three bad
numbers at the start stop nothing and a broken campaign stops within seconds. Pure.

A kind of failure is Meta's code as text, or a word of ours. How large its share may be is the table's to say
(bot.meta.error_codes).
"""

import re
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from math import sqrt

from redis import Redis

from bot.meta.error_codes import HALF, ErrorRule, rule_for
from models.stored_texts import (
    FAILED_ALIKE,
    FAILED_ALIKE_ADVICE,
    FAILURE_SAMPLE,
    META_SAYS,
    NO_TEXT,
    REFUSED,
    REFUSED_SAYING,
)
from models.text import Text

WINDOW = 100
MIN_SAMPLE = 20
Z95 = 1.96
MAX_SAMPLES = 5
_NUMBER = re.compile(r"\d{7,}")


KEEP_SECONDS = 86_400


def lower_bound(failed: int, total: int) -> float:
    """Wilson's lower bound of a share, 95 %."""
    if total == 0:
        return 0.0
    share = failed / total
    z2 = Z95 * Z95
    centre = share + z2 / (2 * total)
    margin = Z95 * sqrt(share * (1 - share) / total + z2 / (4 * total * total))
    return (centre - margin) / (1 + z2 / total)


def max_failure_share(kind: str) -> float | None:
    """The share of the last messages that may be of this kind; None: it says nothing of the campaign."""
    rule = _rule(kind)
    return HALF if rule is None else rule.max_share


class FailureGuard:
    """The last outcomes of one campaign: `known` from earlier lanes, then this lane's own."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._kinds: deque[str] = deque(known, maxlen=WINDOW)
        self._counts: Counter[str] = Counter(self._kinds)
        self._said: dict[str, Text] = {}

    def add(self, kind: str, said: Text | None = None) -> str | None:
        """Note one outcome (empty for a success) and what was said of it; the kind of failure that went too far, if one did."""
        if max_failure_share(kind) is None:
            return None
        if len(self._kinds) == WINDOW:
            self._counts[self._kinds[0]] -= 1
        self._kinds.append(kind)
        self._counts[kind] += 1
        if said is not None:
            self._said[kind] = said
        return kind if self._goes_too_far(kind) else None

    def worst(self) -> str | None:
        """The most frequent kind that went too far, if one did."""
        return next((kind for kind, _ in self._counts.most_common() if self._goes_too_far(kind)), None)

    @property
    def kinds(self) -> Sequence[str]:
        """The last outcomes, the newest last."""
        return tuple(self._kinds)

    def share(self, kind: str) -> tuple[int, int]:
        """How many of the last outcomes were of this kind, and how many there were."""
        return self._counts[kind], len(self._kinds)

    def explain(self, kind: str) -> Text:
        """For the operator: how many failed alike, what was said of each kind that failed, and what to do about this one."""
        failed, total = self.share(kind)
        rule = _rule(kind)
        if rule is not None and rule.advice:
            return FAILED_ALIKE_ADVICE(failed=failed, total=total, samples=self.samples(), advice=Text(rule.advice))
        return FAILED_ALIKE(failed=failed, total=total, samples=self.samples())

    def samples(self) -> list[Text]:
        """The kinds that failed, the most frequent first, shown as `131026 ×41: …; 132012 ×3: …`."""
        failed = sorted((-count, kind) for kind, count in self._counts.items() if kind and count)
        return [
            FAILURE_SAMPLE(kind=kind, count=-count, said=_sentence(kind, self._said.get(kind)))
            for count, kind in failed[:MAX_SAMPLES]
        ]

    def _goes_too_far(self, kind: str) -> bool:
        failed, total = self.share(kind)
        most = max_failure_share(kind)
        return bool(kind) and most is not None and total >= MIN_SAMPLE and lower_bound(failed, total) > most


def without_digits(text: Text) -> Text:
    """A sentence for the operator without the numbers of people, which Meta's words sometimes hold."""
    if text.key is None:
        return Text(_NUMBER.sub("…", text.template).strip(), text.values)
    return Text(text.template, {name: _bare(value) for name, value in text.values.items()}, text.key)


def _bare(value: object) -> object:
    return _NUMBER.sub("…", value).strip() if isinstance(value, str) else value


def _sentence(kind: str, said: Text | None) -> Text:
    """What was said of a kind. Words of Meta's that came by webhook stand without what their code means: that is added."""
    rule = _rule(kind)
    if rule is None:
        return NO_TEXT() if said is None else _by_meta(without_digits(said))
    if said is None:
        return REFUSED(text=Text(rule.text))
    said = without_digits(said)
    if said.key is not None:
        return said
    if said.template.startswith(rule.text):  # a row of an earlier version
        return META_SAYS(said=said.template)
    return REFUSED_SAYING(text=Text(rule.text), said=said.template)


def _by_meta(said: Text) -> Text:
    if said.key is not None:
        return said
    return META_SAYS(said=said.template) if said.template.rstrip(".") else NO_TEXT()


def _rule(kind: str) -> ErrorRule | None:
    return rule_for(int(kind)) if kind.removeprefix("-").isdecimal() else None


def save_guard(redis: Redis, campaign_id: int, guard: FailureGuard) -> None:
    """A lane ends: this is what it saw. RedisError."""
    pipeline = redis.pipeline(transaction=True)
    pipeline.delete(_key(campaign_id))
    if guard.kinds:
        pipeline.rpush(_key(campaign_id), *guard.kinds)
        pipeline.expire(_key(campaign_id), KEEP_SECONDS)
    pipeline.execute()


def load_guard(redis: Redis, campaign_id: int) -> FailureGuard:
    """A lane begins with what the last one saw. RedisError."""
    found: list[bytes] = redis.lrange(_key(campaign_id), 0, -1)  # type: ignore[assignment]
    return FailureGuard(kind.decode() for kind in found)


def forget_guard(redis: Redis, campaign_id: int) -> None:
    """Somebody looked at what failed and lets the campaign go on: judge it by what comes now. RedisError."""
    redis.delete(_key(campaign_id))


def _key(campaign_id: int) -> str:
    return f"hark:failures:{campaign_id}"
