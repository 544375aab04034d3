"""Folds the statuses of a batch into one set of facts per message, each fact with its earliest time.

Every fact is a minimum, so order, repetition and the split into batches change nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from models.events.statuses.price_order import final_rank
from models.events.types import Callback, Failure, Pricing, Status
from models.stored_texts import NO_REASON


@dataclass(slots=True)
class StatusFacts:
    """The facts of Meta's statuses about one message (docs/meta.md §7.5)."""

    wamid: str
    number: str | None
    """phone_number_id."""
    callback: Callback | None
    first_at: datetime
    """The earliest time of all statuses: by then Meta had accepted the message."""
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    read_at: datetime | None = None
    failed_at: datetime | None = None
    failure: Failure | None = None
    early_price: Pricing | None = None
    final_price: Pricing | None = None
    """The price in a `delivered` or `read` status, which is the charged one."""
    final_price_at: datetime | None = None
    """Meta's time of the status that named the final price."""
    statuses: list[Status] = field(default_factory=list)

    @property
    def is_received(self) -> bool:
        """Whether the message reached the person."""
        return self.delivered_at is not None or self.read_at is not None

    @property
    def is_proof(self) -> bool:
        """Whether Meta sent the message. A failure alone may belong to an attempt that Meta refused."""
        return self.sent_at is not None or self.is_received

    @property
    def price(self) -> Pricing | None:
        """The final price, else the early one, else None."""
        return self.final_price or self.early_price

    def add(self, status: Status) -> None:
        """Add a status of the same message."""
        self.statuses.append(status)
        at = status.at
        self.first_at = min(self.first_at, at)
        kind = status.status
        if kind == "sent":
            self.sent_at = _earlier(self.sent_at, at)
            self.early_price = _least(self.early_price, status.pricing)
        elif kind == "delivered":
            self.delivered_at = _earlier(self.delivered_at, at)
            self._add_final_price(status)
        elif kind == "read":
            self.read_at = _earlier(self.read_at, at)
            self._add_final_price(status)
        else:
            failure = status.failure or Failure(None, NO_REASON().stored())
            if (
                self.failed_at is None
                or self.failure is None
                or (at, _rank(failure)) < (self.failed_at, _rank(self.failure))
            ):
                self.failed_at, self.failure = at, failure

    def _add_final_price(self, status: Status) -> None:
        price, at = status.pricing, status.at
        if price is None or (price.category is None and price.is_billable is None):
            return  # it says nothing, and must not take the place of one that does
        known, known_at = self.final_price, self.final_price_at
        if known is None or known_at is None or final_rank(price, at) > final_rank(known, known_at):
            self.final_price, self.final_price_at = price, at


def fold_statuses(statuses: Iterable[Status]) -> list[StatusFacts]:
    """Return one set of facts per wamid, callback data and number."""
    facts_by_key: dict[tuple[str, Callback | None, str | None], StatusFacts] = {}
    for status in statuses:
        key = (status.wamid, status.callback, status.phone_number_id)
        facts = facts_by_key.get(key)
        if facts is None:
            facts = facts_by_key[key] = StatusFacts(status.wamid, status.phone_number_id, status.callback, status.at)
        facts.add(status)
    return list(facts_by_key.values())


def _rank(failure: Failure) -> tuple[bool, int, str]:
    """The order of failures of one time: a reason counts more than none."""
    return failure.code is None, failure.code or 0, failure.text


def _earlier(one: datetime | None, other: datetime) -> datetime:
    return other if one is None or other < one else one


def _least(one: Pricing | None, other: Pricing | None) -> Pricing | None:
    """Meta reports the same price each time; if it does not, the choice must not depend on the order."""
    if one is None or other is None:
        return one or other
    return min(one, other, key=lambda price: tuple(str(part) for part in price))
