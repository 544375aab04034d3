"""What Meta tells us, parsed: one status, one inbound message, one change of an account. Facts alone, no decisions.

`bot.webhooks.parse` makes them from a webhook's body; what applies them stands here in models.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

OptOutWord = Literal["stop", "start"]
EventKind = Literal["sent", "delivered", "read", "failed"]

ABOUT_THE_CHAT = frozenset({"reaction", "system", "edit", "revoke", "request_welcome"})
"""Message types that say something about the chat: they answer nothing and open no window (docs/meta.md §7.6)."""
NOT_FOR_BOTS = ABOUT_THE_CHAT | {"unsupported"}
"""Message types that begin and move no bot flow: those above, and what Meta could not pass on (docs/meta.md §7.6)."""


class Callback(NamedTuple):
    """Whose message a status is about, by the callback data that the message carried (`bot.meta.callback_data`).

    Of which installation must be compared. One of the two ids is there.
    """

    installation: str
    recipient_id: int | None
    message_id: int | None
    attempt: int


@dataclass(frozen=True, slots=True)
class PressedButton:
    """The payload of a template's quick reply: whose campaign message it stood under, and which button it was."""

    installation: str
    recipient_id: int
    index: int


class Failure(NamedTuple):
    """Meta's error code, and its sentence for the operator."""

    code: int
    text: str


class Pricing(NamedTuple):
    """What Meta says a message costs; any word may be new to us."""

    category: str | None
    type: str | None
    is_billable: bool | None


@dataclass(frozen=True, slots=True)
class Status:
    """One status of one message of ours, at Meta's time. `played` comes as read: whoever listened has seen it."""

    wamid: str
    status: EventKind
    at: datetime
    phone_number_id: str | None = None
    callback_data: str | None = None
    callback: Callback | None = None
    """None where the data is missing or not in a form of ours."""
    recipient_id: str | None = None
    """The person's wa_id; absent for some users with a username."""
    bsuid: str | None = None
    failure: Failure | None = None
    pricing: Pricing | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """Who wrote, as far as the webhook says: either of `wa_id` and `bsuid` may be missing, not both."""

    wa_id: str | None
    bsuid: str | None = None
    parent_bsuid: str | None = None
    name: str | None = None
    username: str | None = None


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """One message from a person (or from WhatsApp about a person: type `system`), at Meta's time."""

    wamid: str
    at: datetime
    type: str
    phone_number_id: str
    sender: Sender
    payload: dict[str, Any]
    """Meta's message object, whole."""
    text: str | None = None
    """What a person reads: of a button its title, of a picture its caption."""
    context_wamid: str | None = None
    """The message it answers; of an edit, a revocation or a reaction the message it is about."""
    button_payload: str | None = None
    pressed: PressedButton | None = None
    """What the payload says, where it is of our form."""
    word: OptOutWord | None = None
    confirms: bool = False
    """It says yes, which confirms a double opt-in of who is pending."""
    moved_to: Sender | None = None
    """A changed number: who the sender is from now on."""


@dataclass(frozen=True, slots=True)
class AccountChange:
    """One change of a template, a number, an account or a preference."""

    field: str
    waba_id: str
    at: datetime | None
    """Meta's time; it is missing from some."""
    value: dict[str, Any]


@dataclass(slots=True)
class Parsed:
    """One payload's contents. `broken` has a line for each item that could not be read; the others are whole."""

    inbound: list[InboundMessage] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)
    changes: list[AccountChange] = field(default_factory=list)
    ignored: int = 0
    """Kinds that we do not know or need: other objects, unknown statuses, messages in groups."""
    broken: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How many items there are to apply."""
        return len(self.inbound) + len(self.statuses) + len(self.changes)
