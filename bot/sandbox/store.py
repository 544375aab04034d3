"""The ledger: every message that was accepted, every word that came back, and exact counts of both.

It lives in memory alone and is written before anything of the answer leaves, so what it says is what happened,
whatever the caller came to know of it.
"""

import secrets
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

SHOWN = 100  # entries named one by one in the statistics


@dataclass(slots=True)
class Message:
    """One accepted message of the business. Times are Unix seconds; ``facts`` maps a status to when it was emitted."""

    wamid: str
    phone_number_id: str
    to: str
    wa_id: str
    kind: str
    at: float
    callback_data: str | None = None
    template: str | None = None
    language: str | None = None
    category: str = "service"
    endpoint: str = "messages"
    nth: int = 1
    in_window: bool = False
    held: bool = False
    settled: bool = False
    error: int | None = None
    facts: dict[str, float] = field(default_factory=dict)
    body: dict[str, Any] | None = None

    def public(self) -> dict[str, Any]:
        shown = ("wamid", "phone_number_id", "to", "wa_id", "callback_data", "template", "language", "held", "error", "facts", "at")
        return {"type": self.kind, "endpoint": self.endpoint} | {name: getattr(self, name) for name in shown}


@dataclass(slots=True)
class Inbound:
    """One message of a person; ``raw`` is what stands in ``messages[]``."""

    wamid: str
    phone_number_id: str
    wa_id: str
    at: float
    raw: dict[str, Any]
    read: bool = False


@dataclass
class Store:
    keep_bodies: int = 20_000
    messages: list[Message] = field(default_factory=list)
    inbound: dict[str, Inbound] = field(default_factory=dict)
    by_wamid: dict[str, Message] = field(default_factory=dict)
    accepted: Counter[str] = field(default_factory=Counter)
    refused: Counter[int] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    replies: Counter[str] = field(default_factory=Counter)
    callbacks: Counter[str] = field(default_factory=Counter)
    recipients: Counter[str] = field(default_factory=Counter)
    people: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    _bodies: deque[Message] = field(default_factory=deque)

    def clear(self, keep_bodies: int) -> None:
        self.keep_bodies = keep_bodies
        for part in (self.messages, self.inbound, self.by_wamid, self._bodies, self.accepted, self.refused):
            part.clear()
        for counter in (self.statuses, self.replies, self.callbacks, self.recipients, self.people):
            counter.clear()

    def accept(self, message: Message) -> None:
        self.messages.append(message)
        self.by_wamid[message.wamid] = message
        self.accepted[message.kind] += 1
        if message.callback_data is not None:
            self.callbacks[message.callback_data] += 1
        if message.template is not None:
            self.people[message.wa_id, message.template, message.language or ""] += 1
            if message.callback_data is not None:
                self.recipients[recipient_of(message.callback_data)] += 1
        self._bodies.append(message)
        if len(self._bodies) > self.keep_bodies:
            self._forget_body()

    def emitted(self, message: Message, kind: str, at: float) -> None:
        message.facts.setdefault(kind, at)
        self.statuses[kind] += 1

    def duplicates(self) -> dict[str, int]:
        """Recipients (callback data without its last ``:part``, the attempt) that got more than one template message."""
        return {key: n for key, n in self.recipients.items() if n > 1}

    def repeated_people(self) -> dict[str, int]:
        """The same by person and template, whatever callback data says; two campaigns with one template show here."""
        return {"|".join(key): n for key, n in self.people.items() if n > 1}

    def outcomes(self) -> Counter[str]:
        """Messages by what was emitted about them; ``delivered`` includes read, ``silent`` has no status yet."""
        found: Counter[str] = Counter()
        for message in self.messages:
            seen = message.facts.keys()
            reached = bool(seen & {"delivered", "read"})
            found["sent"] += "sent" in seen
            found["delivered"] += reached
            found["read"] += "read" in seen
            found["failed"] += "failed" in seen and not reached
            found["held"] += message.held
            found["silent"] += not seen
        return found

    def stats(self, *, with_callbacks: bool = False) -> dict[str, Any]:
        duplicates, repeated = self.duplicates(), self.repeated_people()
        templates = Counter(f"{message.template}/{message.language}" for message in self.messages if message.template)
        found: dict[str, Any] = {
            "accepted": {"total": len(self.messages), **self.accepted},
            "templates": dict(templates),
            "refused": {"total": self.refused.total(), **{str(code): n for code, n in self.refused.items()}},
            "callbacks": {
                "distinct": len(self.callbacks),
                "without": len(self.messages) - self.callbacks.total(),
                "repeated": dict(_first({key: n for key, n in self.callbacks.items() if n > 1})),
            },
            "duplicates": {"count": len(duplicates), "recipients": _first(duplicates)},
            "repeated_people": {"count": len(repeated), "people": _first(repeated)},
            "statuses": dict(self.statuses),
            "outcomes": dict(self.outcomes()),
            "replies": {"total": self.replies.total(), **self.replies},
        }
        if with_callbacks:
            found["callbacks"]["counts"] = dict(self.callbacks)
        return found

    def _forget_body(self) -> None:
        oldest = self._bodies.popleft()
        if oldest.settled:
            oldest.body = None
        else:
            self._bodies.append(oldest)


def recipient_of(callback_data: str) -> str:
    """``h1:a:17:2`` is attempt 2 for ``h1:a:17``; data without a colon names the recipient itself."""
    return callback_data.rpartition(":")[0] or callback_data


def new_wamid() -> str:
    return "wamid.HBgL" + secrets.token_urlsafe(30)


def _first(counts: dict[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items())[:SHOWN])
