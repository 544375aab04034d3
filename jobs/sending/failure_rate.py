"""Decides when too many of a campaign's last sends failed with the same error.

It compares a lower confidence bound of the share, not the raw share, so that three bad phones at the start do not pause a campaign
and a broken one is paused within seconds. A kind of failure is Meta's error code as text, or a word of ours for failures without a
code; an empty kind is a success. bot.meta.error_codes says how large the share of each may be. Saved guards live in Redis.
"""

import re
from collections import Counter, deque
from collections.abc import Iterable, Sequence

from redis import Redis

from bot.meta.error_codes import HALF, ErrorRule, rule_for
from models.shares import share_interval
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
MAX_SAMPLES = 5
_NUMBER = re.compile(r"\d{7,}")


KEEP_SECONDS = 86_400


def lower_bound(failed: int, total: int) -> float:
    """The lower bound of the 95 % Wilson score interval for `failed` of `total`, from 0 to 1."""
    return share_interval(failed, total).low


def max_failure_share(kind: str) -> float | None:
    """The share (0 to 1) of the last messages that may fail with this kind; None if the kind says nothing about the campaign."""
    rule = _rule(kind)
    return HALF if rule is None else rule.max_share


class FailureGuard:
    """The last results of one campaign: first those of earlier lanes (`kinds`, oldest first), then this lane's own."""

    def __init__(self, kinds: Iterable[str] = ()) -> None:
        self._kinds: deque[str] = deque(kinds, maxlen=WINDOW)
        self._counts: Counter[str] = Counter(self._kinds)
        self._messages: dict[str, Text] = {}

    def add(self, kind: str, message: Text | None = None) -> str | None:
        """Add one result with its message; return its kind if that kind now exceeds its share, else None."""
        if max_failure_share(kind) is None:
            return None
        if len(self._kinds) == WINDOW:
            self._counts[self._kinds[0]] -= 1
        self._kinds.append(kind)
        self._counts[kind] += 1
        if message is not None:
            self._messages[kind] = message
        return kind if self._exceeds_share(kind) else None

    def worst(self) -> str | None:
        """The most frequent kind that exceeds its share; None if none does."""
        return next((kind for kind, _ in self._counts.most_common() if self._exceeds_share(kind)), None)

    @property
    def kinds(self) -> Sequence[str]:
        """The kinds of the last results, oldest first."""
        return tuple(self._kinds)

    def share(self, kind: str) -> tuple[int, int]:
        """(how many of the last results are of this kind, how many there are)."""
        return self._counts[kind], len(self._kinds)

    def explain(self, kind: str) -> Text:
        """The text for the operator: how many failed alike, a sample message of each kind, and what to do about this kind."""
        failed, total = self.share(kind)
        rule = _rule(kind)
        if rule is not None and rule.advice:
            return FAILED_ALIKE_ADVICE(failed=failed, total=total, samples=self.samples(), advice=Text(rule.advice))
        return FAILED_ALIKE(failed=failed, total=total, samples=self.samples())

    def samples(self) -> list[Text]:
        """The most frequent kinds of failure, at most MAX_SAMPLES, shown as `131026 ×41: …; 132012 ×3: …`."""
        failed = sorted((-count, kind) for kind, count in self._counts.items() if kind and count)
        return [
            FAILURE_SAMPLE(kind=kind, count=-count, said=_sample_sentence(kind, self._messages.get(kind)))
            for count, kind in failed[:MAX_SAMPLES]
        ]

    def _exceeds_share(self, kind: str) -> bool:
        failed, total = self.share(kind)
        max_share = max_failure_share(kind)
        return bool(kind) and max_share is not None and total >= MIN_SAMPLE and lower_bound(failed, total) > max_share


def without_digits(text: Text) -> Text:
    """A sentence for the operator without phone numbers, which Meta's error texts sometimes contain."""
    if text.key is None:
        return Text(_NUMBER.sub("…", text.template).strip(), text.values)
    return Text(text.template, {name: _mask_numbers(value) for name, value in text.values.items()}, text.key)


def _mask_numbers(value: object) -> object:
    return _NUMBER.sub("…", value).strip() if isinstance(value, str) else value


def _sample_sentence(kind: str, said: Text | None) -> Text:
    """The sample sentence of a kind. Meta's texts from webhooks do not explain their code, so the explanation is added."""
    rule = _rule(kind)
    if rule is None:
        return NO_TEXT() if said is None else _attributed_to_meta(without_digits(said))
    if said is None:
        return REFUSED(text=Text(rule.text))
    said = without_digits(said)
    if said.key is not None:
        return said
    if said.template.startswith(rule.text):  # a row of an earlier version
        return META_SAYS(said=said.template)
    return REFUSED_SAYING(text=Text(rule.text), said=said.template)


def _attributed_to_meta(said: Text) -> Text:
    if said.key is not None:
        return said
    return META_SAYS(said=said.template) if said.template.rstrip(".") else NO_TEXT()


def _rule(kind: str) -> ErrorRule | None:
    return rule_for(int(kind)) if kind.removeprefix("-").isdecimal() else None


def save_guard(redis: Redis, campaign_id: int, guard: FailureGuard) -> None:
    """Save the results that a lane saw when it ends. Raises RedisError if Redis is away."""
    pipeline = redis.pipeline(transaction=True)
    pipeline.delete(_key(campaign_id))
    if guard.kinds:
        pipeline.rpush(_key(campaign_id), *guard.kinds)
        pipeline.expire(_key(campaign_id), KEEP_SECONDS)
    pipeline.execute()


def load_guard(redis: Redis, campaign_id: int) -> FailureGuard:
    """Load the results that earlier lanes saw. Raises RedisError if Redis is away."""
    kinds: list[bytes] = redis.lrange(_key(campaign_id), 0, -1)  # type: ignore[assignment]
    return FailureGuard(kind.decode() for kind in kinds)


def forget_guard(redis: Redis, campaign_id: int) -> None:
    """Delete the saved results, so that a resumed campaign is judged by new ones. Raises RedisError if Redis is away."""
    redis.delete(_key(campaign_id))


def _key(campaign_id: int) -> str:
    return f"hark:failures:{campaign_id}"
