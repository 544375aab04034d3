"""Defines an account change as handlers receive it and the result that they fill, and reads values of such changes."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from models.clock import from_unix
from models.events.types import AccountChange
from models.tables.audit import META, AuditAction, record_audit
from models.tables.number import Waba

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}")
MAX_TEXT = 300
MAX_WA_ID = 32
MAX_BSUID = 200


@dataclass(slots=True)
class ChangeResult:
    """The result of a batch of changes, with the ids to read from Meta: only a GET, not a webhook, may let sending go on."""

    applied: int = 0
    repeated: int = 0
    unknown_accounts: int = 0
    """Changes of accounts that Hark does not have."""
    ignored: int = 0
    templates_of: set[int] = field(default_factory=set)
    """Database ids of the accounts whose templates are to be read from Meta."""
    numbers: set[int] = field(default_factory=set)
    """Database ids of the numbers that are to be read from Meta."""


@dataclass(frozen=True, slots=True)
class AccountUpdate:
    """One change of an account of ours. `at` is Meta's time, or `now` if Meta sent none; handlers fill `result`."""

    change: AccountChange
    waba: Waba
    at: datetime
    now: datetime
    result: ChangeResult

    @property
    def value(self) -> dict[str, Any]:
        """The change's `value` in the webhook."""
        return self.change.value

    def word(self, name: str) -> str:
        """Return a field that holds one of Meta's enum values, in capitals; empty if it holds anything else."""
        return meta_enum(self.value.get(name))

    def audit(self, session: Session, action: AuditAction, kind: str, key: object, **detail: Any) -> None:
        """Record the change in the audit, with `detail` without empty values."""
        details = {name: value for name, value in detail.items() if value not in (None, "", [], {})}
        record_audit(session, self.now, META, action, kind, key, meta_at=self.at.isoformat(), **details)


def meta_enum(value: Any) -> str:
    """Return one of Meta's enum values, in capitals; empty for anything else."""
    return value.upper() if isinstance(value, str) and _WORD.fullmatch(value) else ""


def meta_enums(value: dict[str, Any]) -> dict[str, str]:
    """Return the fields that hold a single word: enough for the audit, and no text that somebody wrote."""
    return {name: word for name, word in value.items() if isinstance(word, str) and _WORD.fullmatch(word)}


def operator_text(value: Any) -> str:
    """Return a sentence of Meta's for the operator, cut to 300 characters; empty for `NONE` and other types."""
    return value[:MAX_TEXT] if isinstance(value, str) and value.upper() != "NONE" else ""


def wa_id_of(value: Any) -> str | None:
    """Return a wa_id (digits, without `+`), or None for a value of another form."""
    digits = value.removeprefix("+") if isinstance(value, str) else ""
    return digits if digits.isascii() and digits.isdigit() and len(digits) <= MAX_WA_ID else None


def bsuid_of(value: Any) -> str | None:
    """Return a business-scoped user id, or None for anything else (docs/meta.md §7.9)."""
    return value if isinstance(value, str) and 0 < len(value) <= MAX_BSUID else None


def moment_of(value: Any) -> datetime | None:
    """Return the time of Unix seconds, given as a number or as text; None for anything else."""
    try:
        return from_unix(value) if isinstance(value, int | str) and not isinstance(value, bool) else None
    except (ValueError, OverflowError, OSError):
        return None


def is_newer(at: datetime, applied_at: datetime | None) -> bool:
    """Whether an event is newer than the last applied one. False for a repeated or late event."""
    return applied_at is None or at > applied_at
