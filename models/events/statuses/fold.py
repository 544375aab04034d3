"""Folding: the statuses of a batch become one set of facts per message, each fact with its own earliest time.

Which of them came first, twice or in which batch changes nothing: every fact is a minimum.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from models.events.types import Callback, Failure, Pricing, Status


@dataclass(slots=True)
class StatusFacts:
    """What Meta said of one message."""

    wamid: str
    number: str | None
    """phone_number_id."""
    callback: Callback | None
    first_at: datetime
    """The earliest of all: by then Meta had accepted it."""
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    read_at: datetime | None = None
    failed_at: datetime | None = None
    failure: Failure | None = None
    early_price: Pricing | None = None
    final_price: Pricing | None = None
    """Said with delivered or read, and so what is paid."""
    statuses: list[Status] = field(default_factory=list)

    @property
    def is_received(self) -> bool:
        """Whether it reached the person."""
        return self.delivered_at is not None or self.read_at is not None

    @property
    def is_proof(self) -> bool:
        """Whether it left for the person. A failure alone may belong to an attempt that Meta refused anyway."""
        return self.sent_at is not None or self.is_received

    @property
    def price(self) -> Pricing | None:
        """What is known of its price."""
        return self.final_price or self.early_price

    def add(self, status: Status) -> None:
        """One more status of the same message."""
        self.statuses.append(status)
        at = status.at
        self.first_at = min(self.first_at, at)
        kind = status.status
        if kind == "sent":
            self.sent_at = _earlier(self.sent_at, at)
            self.early_price = _least(self.early_price, status.pricing)
        elif kind == "delivered":
            self.delivered_at = _earlier(self.delivered_at, at)
            self.final_price = _least(self.final_price, status.pricing)
        elif kind == "read":
            self.read_at = _earlier(self.read_at, at)
            self.final_price = _least(self.final_price, status.pricing)
        else:
            failure = status.failure or Failure(0, "")
            if self.failed_at is None or self.failure is None or (at, failure) < (self.failed_at, self.failure):
                self.failed_at, self.failure = at, failure


def fold_statuses(statuses: Iterable[Status]) -> list[StatusFacts]:
    """One set of facts per message; callback data that differ are kept apart."""
    found: dict[tuple[str, Callback | None, str | None], StatusFacts] = {}
    for status in statuses:
        key = (status.wamid, status.callback, status.phone_number_id)
        facts = found.get(key)
        if facts is None:
            facts = found[key] = StatusFacts(status.wamid, status.phone_number_id, status.callback, status.at)
        facts.add(status)
    return list(found.values())


def _earlier(one: datetime | None, other: datetime) -> datetime:
    return other if one is None or other < one else one


def _least(one: Pricing | None, other: Pricing | None) -> Pricing | None:
    """Meta says the same price each time; should it not, the choice does not depend on the order."""
    if one is None or other is None:
        return one or other
    return min(one, other, key=lambda price: tuple(str(part) for part in price))
