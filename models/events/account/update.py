"""A change of an account as the handlers of its kinds get it, and what they leave for others to do."""

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
    """What became of a batch of changes. A GET has to confirm whatever might let something go on: that is what the ids are for."""

    applied: int = 0
    repeated: int = 0
    strangers: int = 0
    """Of accounts that are not ours."""
    ignored: int = 0
    templates_of: set[int] = field(default_factory=set)
    """Accounts (our ids) whose templates are to be read from Meta."""
    numbers: set[int] = field(default_factory=set)
    """Numbers (our ids) that are to be read from Meta."""


@dataclass(frozen=True, slots=True)
class AccountUpdate:
    """One change, at Meta's time, of an account of ours."""

    change: AccountChange
    waba: Waba
    at: datetime
    now: datetime
    result: ChangeResult

    @property
    def value(self) -> dict[str, Any]:
        """What Meta said."""
        return self.change.value

    def word(self, name: str) -> str:
        """A field that holds one of Meta's words, in capitals; empty where it holds anything else."""
        return meta_enum(self.value.get(name))

    def audit(self, session: Session, action: AuditAction, kind: str, key: object, **detail: Any) -> None:
        """A line in the audit; `detail` without what is missing."""
        known = {name: value for name, value in detail.items() if value not in (None, "", [], {})}
        record_audit(session, self.now, META, action, kind, key, meta_at=self.at.isoformat(), **known)


def meta_enum(value: Any) -> str:
    """One of Meta's words, in capitals; empty for anything else."""
    return value.upper() if isinstance(value, str) and _WORD.fullmatch(value) else ""


def meta_enums(value: dict[str, Any]) -> dict[str, str]:
    """What a value says in single words: enough to see what it was, and nothing that somebody wrote."""
    return {name: said for name, said in value.items() if isinstance(said, str) and _WORD.fullmatch(said)}


def operator_text(value: Any) -> str:
    """A sentence of Meta's for the operator."""
    return value[:MAX_TEXT] if isinstance(value, str) and value.upper() != "NONE" else ""


def wa_id_of(value: Any) -> str | None:
    """A wa_id: digits alone; a value of another form is none."""
    digits = value.removeprefix("+") if isinstance(value, str) else ""
    return digits if digits.isascii() and digits.isdigit() and len(digits) <= MAX_WA_ID else None


def bsuid_of(value: Any) -> str | None:
    """A business-scoped user id."""
    return value if isinstance(value, str) and 0 < len(value) <= MAX_BSUID else None


def moment_of(value: Any) -> datetime | None:
    """Unix seconds, as a figure or as text; None for anything else."""
    try:
        return from_unix(value) if isinstance(value, int | str) and not isinstance(value, bool) else None
    except (ValueError, OverflowError, OSError):
        return None


def is_newer(at: datetime, known: datetime | None) -> bool:
    """Whether an event tells more than what was applied; what comes twice or late does not."""
    return known is None or at > known
