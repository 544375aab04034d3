"""Defines the input and output of the bot flow engine: the session, the events it receives, the actions it returns.

All are frozen and plain, so that a session can be stored as JSON and a step can be tried again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from models.person_names import first_name
from models.tables.conversation import WINDOW

_FACTS = frozenset({"name", "phone", "language", "country", "campaign"})

IDLE_AFTER = WINDOW
"""Later nothing free-form could be sent, so a session without a move ends."""

ENDED_REASONS = ("done", "handed_off", "not_understood", "not_sent", "external_failed", "idle", "too_many_nodes")
GAVE_UP = frozenset({"not_understood", "external_failed", "too_many_nodes"})
"""The ends that leave the person's last reply without an answer."""

Waiting = Literal["reply", "timer", "http", "sent"]
Status = Literal["active", "ended"]


@dataclass(frozen=True, slots=True)
class FlowContact:
    """The fields of a contact that texts and branches can use.

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
    answer_price: int | None = None
    """What a message to the person costs beyond the free ones, in millionths of `price_currency`; None if it is unknown."""
    price_currency: str | None = None

    def fact(self, name: str) -> str | None:
        """Return a field by its name in texts and branches; None if it is unknown or empty."""
        if name == "first_name":
            return first_name(None, self.name)
        return getattr(self, name) if name in _FACTS else None


@dataclass(frozen=True, slots=True)
class FlowState:
    """The session of one contact in one version of a flow.

    `serial` counts the messages, timers and calls so far; each gets it as its tag. `awaiting` is the tag whose event the session
    waits for, `waiting_for` its kind. `last_input` is the last text, or the title of the last button, `form` the answers of the
    last form. `sent` counts the messages. `updated_at` is the time of the last event that was handled.
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
    form: Mapping[str, str] = field(default_factory=dict)
    status: Status = "active"
    ended_reason: str | None = None
    sent: int = 0

    @classmethod
    def begin(cls, now: datetime) -> "FlowState":
        """Return a new session, which waits for its Start."""
        return cls(started_at=now, updated_at=now)

    def is_idle(self, now: datetime) -> bool:
        """Return whether the session is active and its last event is 24 hours old."""
        return self.status == "active" and now - self.updated_at >= IDLE_AFTER

    def ended(self, reason: str, now: datetime) -> "FlowState":
        """Return this session with the status `ended`."""
        ended = replace(self, status="ended", ended_reason=reason, updated_at=now)
        return replace(ended, waiting_for=None, awaiting=None)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; times are ISO 8601."""
        return {
            "node": self.node,
            "answers": dict(self.answers),
            "retries": self.retries,
            "waiting_for": self.waiting_for,
            "awaiting": self.awaiting,
            "serial": self.serial,
            "last_input": self.last_input,
            "form": dict(self.form),
            "status": self.status,
            "ended_reason": self.ended_reason,
            "sent": self.sent,
            "started_at": self.started_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "FlowState":
        """Read what `to_json` wrote. Raises KeyError, TypeError or ValueError if it is not that."""
        times = {key: datetime.fromisoformat(plain[key]) for key in ("started_at", "updated_at")}
        return cls(**{**plain, **times})


# ---- events -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReplyEvent:
    """The person wrote, pressed or sent something. `text` is the typed text, the title of what was pressed, or a caption.

    `is_answer` is False for what is neither text nor a press (a picture, a contact card, a place): it answers no question.
    `form` holds the answers of a form that was filled in, by field; None for everything else.
    """

    text: str = ""
    payload: str | None = None
    message_id: str | None = None
    is_answer: bool = True
    form: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """The session begins. If `reply` is a press of one of this flow's buttons, the session begins at that button's target."""

    reply: ReplyEvent = field(default_factory=ReplyEvent)


@dataclass(frozen=True, slots=True)
class Accepted:
    """Meta accepted the message with this tag. One whose result is unknown counts as accepted after 60 seconds."""

    tag: str


@dataclass(frozen=True, slots=True)
class MessageNotSent:
    """The message with this tag will not be sent: Meta refused it, or the 24-hour window is closed."""

    tag: str


@dataclass(frozen=True, slots=True)
class TimerDue:
    """The timer with this tag is due."""

    tag: str


@dataclass(frozen=True, slots=True)
class HttpResult:
    """The result of a call. `ok`: it was answered with a 2xx status; `body` is the JSON of the answer, None if it had none."""

    tag: str
    ok: bool
    status: int | None = None
    body: Any = None


Event = Start | ReplyEvent | Accepted | MessageNotSent | TimerDue | HttpResult


# ---- actions ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SendMessage:
    """Send this free-form body (docs/meta.md §2.4, without the envelope) and report `Accepted` or `MessageNotSent`."""

    content: Mapping[str, Any]
    tag: str


@dataclass(frozen=True, slots=True)
class PassStep:
    """Record that the person passed this step of the funnel; the database counts the first time alone."""

    name: str


@dataclass(frozen=True, slots=True)
class SetTag:
    """Tag the contact; `value` is None for a tag without a value."""

    name: str
    value: str | None = None


@dataclass(frozen=True, slots=True)
class RemoveTag:
    """Remove a tag from the contact."""

    name: str


@dataclass(frozen=True, slots=True)
class SetAttribute:
    """Set a field of the contact; an empty value clears it."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class OpenCase:
    """Open a case for a human agent; `reason` is shown to them."""

    reason: str


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Report `TimerDue(tag)` after this many seconds."""

    seconds: int
    tag: str


@dataclass(frozen=True, slots=True)
class CallHttp:
    """Call an address and report `HttpResult(tag, …)`. `body` is sent as JSON; `signed` asks for the installation's signature.

    A header, or a value of an unsigned body, that names secrets is the list that `bot.flows.secrets.with_secrets` returns.
    """

    tag: str
    method: Literal["GET", "POST"]
    url: str
    headers: Mapping[str, str | list[str | dict[str, str]]]
    body: Mapping[str, Any] | None
    timeout_seconds: int
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Unsubscribe the person."""


@dataclass(frozen=True, slots=True)
class EndSession:
    """End the session; `reason` is one of `ENDED_REASONS`."""

    reason: str


Effect = PassStep | SetTag | RemoveTag | SetAttribute | OpenCase | Unsubscribe | EndSession
FlowAction = SendMessage | StartTimer | CallHttp | Effect


@dataclass(frozen=True, slots=True)
class Result:
    """The new session and the actions to carry out. `handled` is False if the session did not wait for the event.

    `needs_human`: no node took the reply, or the flow gave up on it, so that a person has to read it.
    """

    session: FlowState
    actions: tuple[FlowAction, ...] = ()
    handled: bool = True
    needs_human: bool = False
