"""Stores every accepted message and every message of people, with exact counts of both.

``duplicates`` are recipients (callback data without its last ``:part``, the attempt) that got more than one template
message; ``repeated_people`` are the same by person and template, whatever the callback data (two campaigns with one
template are counted). ``outcomes`` count messages: ``delivered`` includes read, ``failed`` excludes those that arrived too.
It is in memory alone, and a message is stored before its answer is sent, so it is exact whether or not the client got
the answer.
"""

import secrets
from collections import Counter, deque
from dataclasses import dataclass, field, fields
from itertools import islice
from typing import Any, TypeVar

Key = TypeVar("Key")

SHOWN = 100  # entries listed in the statistics


@dataclass(slots=True)
class SandboxMessage:
    """One accepted message of the business. Times are Unix seconds; ``facts`` maps a status to the time of its webhook."""

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
    free_entry: bool = False
    held: bool = False
    settled: bool = False
    error: int | None = None
    facts: dict[str, float] = field(default_factory=dict)
    body: dict[str, Any] | None = None

    def public(self) -> dict[str, Any]:
        """Return the message as JSON for the control API."""
        names = (
            "wamid",
            "phone_number_id",
            "to",
            "wa_id",
            "callback_data",
            "template",
            "language",
            "held",
            "error",
            "facts",
            "at",
        )
        return {"type": self.kind, "endpoint": self.endpoint} | {name: getattr(self, name) for name in names}


@dataclass(slots=True)
class SandboxInbound:
    """One message of a person; ``raw`` is its object in ``messages[]`` of the webhook."""

    wamid: str
    phone_number_id: str
    wa_id: str
    at: float
    raw: dict[str, Any]
    read: bool = False


@dataclass
class Store:
    """All messages and counts of one simulation; ``keep_bodies`` latest bodies are stored."""

    keep_bodies: int = 20_000
    messages: list[SandboxMessage] = field(default_factory=list)
    inbound: dict[str, SandboxInbound] = field(default_factory=dict)
    by_wamid: dict[str, SandboxMessage] = field(default_factory=dict)
    accepted: Counter[str] = field(default_factory=Counter)
    refused: Counter[int] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    replies: Counter[str] = field(default_factory=Counter)
    callbacks: Counter[str] = field(default_factory=Counter)
    recipients: Counter[str] = field(default_factory=Counter)
    people: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    templates: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    repeated_callbacks: dict[str, int] = field(default_factory=dict)
    duplicates: dict[str, int] = field(default_factory=dict)
    repeated_people: dict[str, int] = field(default_factory=dict)
    _bodies: deque[SandboxMessage] = field(default_factory=deque)

    def clear(self, keep_bodies: int) -> None:
        """Remove everything."""
        self.keep_bodies = keep_bodies
        for item in fields(self):
            if item.name != "keep_bodies":
                getattr(self, item.name).clear()

    def accept(self, message: SandboxMessage) -> None:
        """Store and count an accepted message."""
        self.messages.append(message)
        self.by_wamid[message.wamid] = message
        self.accepted[message.kind] += 1
        if message.callback_data is not None:
            _count(self.callbacks, message.callback_data, self.repeated_callbacks, message.callback_data)
        if message.template is not None:
            self._count_template(message, message.template)
        self._bodies.append(message)
        if len(self._bodies) > self.keep_bodies:
            self._forget_body()

    def record_status(self, message: SandboxMessage, kind: str, at: float) -> None:
        """Record and count a status of a message; each kind is recorded once per message."""
        facts = message.facts
        has_arrived = "delivered" in facts or "read" in facts
        facts[kind] = at
        self.statuses[kind] += 1
        if kind in ("delivered", "read") and not has_arrived:
            self.outcomes["delivered"] += 1
            self.outcomes["failed"] -= "failed" in facts
        if kind != "failed" or not has_arrived:
            self.outcomes[kind] += kind != "delivered"

    def stats(self, *, with_callbacks: bool = False) -> dict[str, Any]:
        """Return the counts as JSON; ``with_callbacks`` adds the count of each callback data."""
        counts: dict[str, Any] = {
            "accepted": {"total": len(self.messages), **self.accepted},
            "templates": dict(self.templates),
            "refused": {"total": self.refused.total(), **{str(code): n for code, n in self.refused.items()}},
            "callbacks": {
                "distinct": len(self.callbacks),
                "without": len(self.messages) - self.callbacks.total(),
                "repeated": {"count": len(self.repeated_callbacks), "data": _first(self.repeated_callbacks)},
            },
            "duplicates": {"count": len(self.duplicates), "recipients": _first(self.duplicates)},
            "repeated_people": {"count": len(self.repeated_people), "people": _first(self.repeated_people)},
            "statuses": dict(self.statuses),
            "outcomes": {name: self.outcomes[name] for name in ("sent", "delivered", "read", "failed")},
            "replies": {"total": self.replies.total(), **self.replies},
        }
        if with_callbacks:
            counts["callbacks"]["counts"] = dict(self.callbacks)
        return counts

    def _count_template(self, message: SandboxMessage, name: str) -> None:
        self.templates[f"{name}/{message.language}"] += 1
        person = (message.wa_id, name, message.language or "")
        _count(self.people, person, self.repeated_people, "|".join(person))
        if message.callback_data is not None:
            recipient = recipient_of(message.callback_data)
            _count(self.recipients, recipient, self.duplicates, recipient)

    def _forget_body(self) -> None:
        oldest = self._bodies.popleft()
        if oldest.settled:
            oldest.body = None
        else:
            self._bodies.append(oldest)


def recipient_of(callback_data: str) -> str:
    """Return the recipient of callback data: ``h1:a:17`` for ``h1:a:17:2``; data without a colon is the recipient."""
    return callback_data.rpartition(":")[0] or callback_data


def new_wamid() -> str:
    """Return a new unique wamid."""
    return "wamid.HBgL" + secrets.token_urlsafe(30)


def _count(counts: Counter[Key], key: Key, repeated: dict[str, int], label: str) -> None:
    counts[key] += 1
    if counts[key] > 1:
        repeated[label] = counts[key]


def _first(counts: dict[str, int]) -> dict[str, int]:
    return dict(islice(counts.items(), SHOWN))
