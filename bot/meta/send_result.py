"""Defines the result of one send request.

accepted   Meta took it and gave it an id
held       accepted, and held back for Meta's quality assessment
refused    a Graph `error` object with a numeric code: it was certainly not sent, and bot.meta.error_codes says what follows
not_sent   nothing of the request was written: name resolution, TLS or connection failed
unsure     everything else: it may have arrived, so it is never sent again automatically
"""

from dataclasses import dataclass
from enum import StrEnum


class SendResultKind(StrEnum):
    """The five results of a send; see above."""

    ACCEPTED = "accepted"
    HELD = "held"
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class SendResult:
    """The result of one request. `code`, `is_transient` and `details` are Meta's; `message` has no customer data."""

    kind: SendResultKind
    wamid: str | None = None
    wa_id: str | None = None
    user_id: str | None = None
    code: int | None = None
    is_transient: bool = False
    message: str = ""
    details: str = ""
