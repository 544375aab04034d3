"""What a bot flow's engine is given and gives back: a session, the events that move it, the actions that follow.

Everything is frozen and plain, so that a session can be kept as JSON and a step tried again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from models.tables.conversation import WINDOW

_FACTS = frozenset({"name", "phone", "language", "country", "campaign"})

IDLE_AFTER = WINDOW
"""Later nothing free-form could be sent, so a session without a move ends."""

ENDED_REASONS = ("done", "handed_off", "not_understood", "not_sent", "external_failed", "idle", "too_many_nodes")

Waiting = Literal["reply", "timer", "http", "sent"]
Status = Literal["active", "ended"]


@dataclass(frozen=True, slots=True)
class FlowContact:
    """The facts about a contact that texts may name and branches may ask for.

    `tags` holds None for a tag without a value. `default_country` (ISO) completes phone numbers that are typed.
    """

    name: str | None = None
    phone: str | None = None
    language: str | None = None
    country: str | None = None
    campaign: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str | None] = field(default_factory=dict)
    default_country: str | None = None

    def fact(self, name: str) -> str | None:
        """A fact by the name that texts and branches give it."""
        if name == "first_name":
            return next(iter((self.name or "").split()), None)
        return getattr(self, name) if name in _FACTS else None


@dataclass(frozen=True, slots=True)
class FlowState:
    """One contact's walk through one version of a flow.

    `serial` counts what was asked of the outside; `awaiting` is the tag of the one whose answer is waited for.
    `last_input` is what the person wrote or pressed last. `updated_at` is when an event last moved the session.
    """

    started_at: datetime
    updated_at: datetime
    node: str | None = None
    answers: Mapping[str, str] = field(default_factory=dict)
    retries: int = 0
    waiting_for: Waiting | None = None
    awaiting: str | None = None
    serial: int = 0
    last_input: str = ""
    status: Status = "active"
    ended_reason: str | None = None

    @classmethod
    def begin(cls, now: datetime) -> "FlowState":
        """A session that waits for its Start."""
        return cls(started_at=now, updated_at=now)

    def is_idle(self, now: datetime) -> bool:
        return self.status == "active" and now - self.updated_at >= IDLE_AFTER

    def ended(self, reason: str, now: datetime) -> "FlowState":
        """This session, ended from outside the flow (a case was opened, the person unsubscribed, …)."""
        over = replace(self, status="ended", ended_reason=reason, updated_at=now)
        return replace(over, waiting_for=None, awaiting=None)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; times in ISO 8601."""
        return {
            "node": self.node,
            "answers": dict(self.answers),
            "retries": self.retries,
            "waiting_for": self.waiting_for,
            "awaiting": self.awaiting,
            "serial": self.serial,
            "last_input": self.last_input,
            "status": self.status,
            "ended_reason": self.ended_reason,
            "started_at": self.started_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "FlowState":
        """The session that `to_json` wrote. Raises KeyError or ValueError where it is none."""
        times = {key: datetime.fromisoformat(plain[key]) for key in ("started_at", "updated_at")}
        return cls(**{**plain, **times})


# ---- events -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReplyEvent:
    """The person wrote or pressed something. `text` is the typed text, or the title of what was pressed."""

    text: str = ""
    payload: str | None = None
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """A session begins. A reply that brought it here may be a press of one of this flow's buttons: it leads there."""

    reply: ReplyEvent = field(default_factory=ReplyEvent)


@dataclass(frozen=True, slots=True)
class Accepted:
    """Meta accepted the message with this tag (an unsure one counts as accepted after 60 s)."""

    tag: str


@dataclass(frozen=True, slots=True)
class MessageNotSent:
    """The message with this tag will not be sent: refused, or the window is shut."""

    tag: str


@dataclass(frozen=True, slots=True)
class TimerDue:
    tag: str


@dataclass(frozen=True, slots=True)
class HttpResult:
    """What a call came to. `ok` is an answer with a status of 2xx; `body` its JSON, None where it had none."""

    tag: str
    ok: bool
    status: int | None = None
    body: Any = None


Event = Start | ReplyEvent | Accepted | MessageNotSent | TimerDue | HttpResult


# ---- actions ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SendMessage:
    """Send this free-form body (meta-cloud-api.md 2.4, without the envelope) and report `Accepted` or `NotSent`."""

    content: Mapping[str, Any]
    tag: str


@dataclass(frozen=True, slots=True)
class PassStep:
    """The person passes this step of the funnel; only the first time counts, which the database knows."""

    name: str


@dataclass(frozen=True, slots=True)
class SetTag:
    name: str
    value: str | None = None


@dataclass(frozen=True, slots=True)
class RemoveTag:
    name: str


@dataclass(frozen=True, slots=True)
class SetAttribute:
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class OpenCase:
    reason: str


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Report `TimerDue(tag)` after so many seconds from now."""

    seconds: int
    tag: str


@dataclass(frozen=True, slots=True)
class CallHttp:
    """Call out and report `HttpResult(tag, …)`. A `body` is sent as JSON; `signed` asks for our signature over it."""

    tag: str
    method: Literal["GET", "POST"]
    url: str
    headers: Mapping[str, str]
    body: Mapping[str, Any] | None
    timeout_seconds: int
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """The person asked, in this flow, to get nothing more."""


@dataclass(frozen=True, slots=True)
class EndSession:
    """The session is over; `reason` is one of `ENDED_REASONS`."""

    reason: str


Effect = PassStep | SetTag | RemoveTag | SetAttribute | OpenCase | Unsubscribe | EndSession
FlowAction = SendMessage | StartTimer | CallHttp | Effect


@dataclass(frozen=True, slots=True)
class Result:
    """`handled` is False where the event meant nothing to the session: a router may then look further."""

    session: FlowState
    actions: tuple[FlowAction, ...] = ()
    handled: bool = True
