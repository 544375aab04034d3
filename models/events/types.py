"""Defines the parsed events of Meta's webhooks: statuses, inbound messages, account changes. They hold facts, no decisions.

`bot.webhooks.parse` makes them from a webhook's body; models.events applies them.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from models.clicks.meta_reports import ReportedClick

OptOutWord = Literal["stop", "start"]
EventKind = Literal["sent", "delivered", "read", "failed"]

ABOUT_THE_CHAT = frozenset({"reaction", "system", "edit", "revoke", "request_welcome"})
"""Message types that say something about the chat: they answer nothing and open no window (docs/meta.md §7.6)."""
NOT_FOR_BOTS = ABOUT_THE_CHAT | {"unsupported"}
"""Message types that begin and move no bot flow: those above, and what Meta could not pass on (docs/meta.md §7.6)."""


class Callback(NamedTuple):
    """The row that a status is about, from the callback data of the message (`bot.meta.callback_data`, docs/meta.md §2.1).

    Callers compare `installation` with their own. Exactly one of the two ids is set.
    """

    installation: str
    recipient_id: int | None
    message_id: int | None
    attempt: int


@dataclass(frozen=True, slots=True)
class PressedButton:
    """What a template's quick reply or the form behind a button says: the recipient of the campaign message, and the button.

    `card` is the index of the card in which it stands; None outside of a carousel.
    """

    installation: str
    recipient_id: int
    index: int
    card: int | None = None


class Failure(NamedTuple):
    """Meta's error code, None if it gave none, and its text for the operator."""

    code: int | None
    text: str


class Pricing(NamedTuple):
    """The pricing of a message in a status (docs/meta.md §7.5); `category` and `type` may be values that Hark does not know.

    `type` is `paid_exempt` where Meta's subtype says so. `cost` is Meta's own price of the message in millionths of `currency`,
    None where it named none.
    """

    category: str | None
    type: str | None
    is_billable: bool | None
    cost: int | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """One status of a message of ours; `at` is Meta's time. `played` is parsed as `read`."""

    wamid: str
    status: EventKind
    at: datetime
    phone_number_id: str | None = None
    callback_data: str | None = None
    callback: Callback | None = None
    """None if the data is missing or not in our format."""
    recipient_id: str | None = None
    """The person's wa_id; absent for some users with a username."""
    bsuid: str | None = None
    failure: Failure | None = None
    pricing: Pricing | None = None
    parent_bsuid: str | None = None
    """The person's id at the parent of the portfolio, if Meta enrolled it."""


@dataclass(frozen=True, slots=True)
class Sender:
    """The sender of a message; `wa_id` or `bsuid` may be missing, not both (docs/meta.md §7.9)."""

    wa_id: str | None
    bsuid: str | None = None
    parent_bsuid: str | None = None
    name: str | None = None
    username: str | None = None


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """A message from a person, or from WhatsApp about a person (type `system`); `at` is Meta's time."""

    wamid: str
    at: datetime
    type: str
    phone_number_id: str
    sender: Sender
    payload: dict[str, Any]
    """Meta's whole message object (docs/meta.md §7.6)."""
    text: str | None = None
    """The visible text: the title of a button, the caption of a picture."""
    context_wamid: str | None = None
    """The message that it answers; for an edit, a revocation or a reaction, the message that it concerns."""
    button_payload: str | None = None
    pressed: PressedButton | None = None
    """The parsed `button_payload`, if it has our format."""
    word: OptOutWord | None = None
    may_be_choice: bool = False
    """The typed `word` is no unmistakable STOP, so that it is an answer where a bot flow's question offers it as an option."""
    may_mean_stop: bool = False
    """No certain STOP, but it may ask for one ("stop it please now"), so that a person should read it."""
    confirms: bool = False
    """The text is a yes, which confirms the double opt-in of a pending contact."""
    moved_to: Sender | None = None
    """The sender's new identifiers after a change of number or of user id."""
    is_user_id_change: bool = False
    """Meta reports that the sender's user id was replaced; no number need be known (docs/meta.md §7.6)."""
    is_standby: bool = False
    """Another responder has the conversation: the message is only shown to us (docs/meta.md §7.11)."""


@dataclass(frozen=True, slots=True)
class Echo:
    """A message that somebody else wrote from our number. `message.sender` is the person whom it was written to."""

    message: InboundMessage
    author: str
    """`PHONE_APP_AUTHOR` or `RESPONDER_AUTHOR` of `models.tables.conversation`."""


@dataclass(frozen=True, slots=True)
class ControlChange:
    """A conversation that another responder passed to us, or took from us (docs/meta.md §7.11); `at` is Meta's time."""

    phone_number_id: str
    person: Sender
    at: datetime
    is_to_us: bool
    new_role: str
    """Meta's word for the role of the new owner; empty if there is none."""
    summary: str | None
    """What the former owner says about the conversation."""


@dataclass(frozen=True, slots=True)
class AccountChange:
    """One change of a template, a number, an account or a preference."""

    field: str
    waba_id: str
    at: datetime | None
    """Meta's time; None if the webhook has none."""
    value: dict[str, Any]


@dataclass(slots=True)
class Parsed:
    """The contents of one payload. `broken` has a line for each item that could not be parsed; the others are complete."""

    inbound: list[InboundMessage] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)
    changes: list[AccountChange] = field(default_factory=list)
    echoes: list[Echo] = field(default_factory=list)
    control: list[ControlChange] = field(default_factory=list)
    clicks: list[ReportedClick] = field(default_factory=list)
    ignored: int = 0
    """Items that Hark does not use: other objects, unknown statuses, messages in groups."""
    broken: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """The number of items to apply."""
        parts = (self.inbound, self.statuses, self.changes, self.echoes, self.control, self.clicks)
        return sum(len(part) for part in parts)
