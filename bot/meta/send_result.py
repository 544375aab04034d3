"""What one send came to.

accepted   Meta took it and gave it an id
held       taken, and kept back for Meta's quality assessment
refused    a Graph `error` object with a numeric code: it was certainly not sent, and bot.meta.error_codes says what follows
not_sent   nothing of the request was written: name resolution, TLS or connection failed
unsure     everything else: it may have arrived, so it is never sent again by itself
"""

from dataclasses import dataclass
from enum import StrEnum


class SendResultKind(StrEnum):
    """The five things that a send can come to."""

    ACCEPTED = "accepted"
    HELD = "held"
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class SendResult:
    """What one request came to. `code` and `is_transient` are Meta's; `message` is for the operator, without customer data."""

    kind: SendResultKind
    wamid: str | None = None
    wa_id: str | None = None
    user_id: str | None = None
    code: int | None = None
    is_transient: bool = False
    message: str = ""
    details: str = ""
