"""Estimates what answers to a campaign will probably cost: an estimate beside the campaign's own, in no sum of charges."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from models.billing.amount import show_amount
from models.billing.estimate import CountryEstimate, Estimate
from models.billing.reply_history import ASSUMED_MESSAGES, ReplyHistory

LEVELS = ("low", "expected", "high")


class FlowMessages(NamedTuple):
    """The messages that the campaign's bot flow sends on its shortest and its longest way; `has_loops`: it may send more."""

    shortest: int
    longest: int
    has_loops: bool


@dataclass(frozen=True, slots=True)
class ReplyEstimate:
    """Low, expected and high: people who reply, messages that answer them, and their cost in millionths (None: unknown)."""

    currency: str | None
    people: tuple[int, int, int]
    messages: tuple[int, int, int]
    costs: tuple[int | None, int | None, int | None]
    unknown_people: int
    free_left: int
    shares: tuple[float, float, float]
    campaigns: int
    per_conversation: tuple[float, float, float]
    source: str
    """Where the messages of a conversation come from: `history`, `flow`, `flow and history` or `assumed`."""

    @property
    def expected(self) -> int | None:
        """What they will probably cost, in millionths; None if it is unknown."""
        return self.costs[1]

    def to_json(self) -> dict[str, Any]:
        """Return the public form. Amounts are texts, null if unknown; the free answers are taken off low and expected alone."""
        costs = [None if cost is None else show_amount(cost) for cost in self.costs]
        return {
            "currency": self.currency,
            **dict(zip(LEVELS, costs, strict=True)),
            "people": dict(zip(LEVELS, self.people, strict=True)),
            "messages": dict(zip(LEVELS, self.messages, strict=True)),
            "unknown_people": self.unknown_people,
            "free_left": self.free_left,
            "shares": dict(zip(LEVELS, (round(share, 4) for share in self.shares), strict=True))
            | {"campaigns": self.campaigns},
            "per_conversation": dict(zip(LEVELS, (round(number, 2) for number in self.per_conversation), strict=True))
            | {"from": self.source},
        }


def estimate_replies(
    estimate: Estimate, history: ReplyHistory, flow: FlowMessages | None, free_left: int
) -> ReplyEstimate:
    """Estimate the answers to a campaign of which `estimate` says whom it reaches.

    `free_left` is the number of answers that are still free for its number this month: they are taken off low and expected, and not
    off high, since other conversations may use them up.
    """
    delivered = (estimate.shares.low, estimate.shares.expected, 1.0)
    per_conversation, source = _per_conversation(history, flow)
    people = [estimate.people * share * reply for share, reply in zip(delivered, history.shares, strict=True)]
    messages = [count * each for count, each in zip(people, per_conversation, strict=True)]
    frees = (free_left, free_left, 0)
    costs = [_cost(estimate, number, free) for number, free in zip(messages, frees, strict=True)]
    return ReplyEstimate(
        estimate.currency,
        _three(people),
        _three(messages),
        (costs[0], costs[1], costs[2]),
        sum(line.people for line in estimate.lines if line.answer_price is None),
        free_left,
        history.shares,
        history.campaigns,
        per_conversation,
        source,
    )


def _per_conversation(history: ReplyHistory, flow: FlowMessages | None) -> tuple[tuple[float, float, float], str]:
    """Messages of a conversation. The flow bounds what the history says, since that is of other flows; a loop has no bound."""
    known = history.messages
    if flow is None:
        return (known, "history") if known is not None else (ASSUMED_MESSAGES, "assumed")
    low, high = float(flow.shortest), float(max(flow.shortest, flow.longest))
    if known is None:
        return (low, (low + high) / 2, high), "flow"
    high = max(high, known[2]) if flow.has_loops else high
    return (low, min(max(known[1], low), high), high), "flow and history"


def _cost(estimate: Estimate, messages: float, free: int) -> int | None:
    """The cost of messages to people of all countries alike, in millionths, without unknown prices."""
    priced = [line for line in estimate.lines if line.answer_price is not None]
    if estimate.currency is None or (estimate.people and not priced):
        return None
    if not estimate.people:
        return 0
    charged = max(0.0, messages - free)
    return round(charged * _mean_price(priced, estimate.people))


def _mean_price(priced: Sequence[CountryEstimate], people: int) -> float:
    return sum((line.answer_price or 0) * line.people for line in priced) / people


def _three(numbers: Sequence[float]) -> tuple[int, int, int]:
    low, expected, high = (round(number) for number in numbers)
    return low, expected, high
