"""Verifies the audit: walks over its chain and compares the end with the copies outside of the database."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from redis.exceptions import RedisError

from jobs.core.runtime import Runtime
from jobs.maintenance.audit_chain import AuditCopies
from models.audit.check import BreakKind, ChainBreak, ChainCheck, ChainEnd, check_chain
from models.errors import OperatorError

_EXPECTED = re.compile(r"([1-9][0-9]{0,17}):([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class AuditReport:
    """The result. `is_redis_compared` is False if Redis was away: then only this host's copy was looked at."""

    check: ChainCheck
    is_redis_compared: bool

    def to_json(self) -> dict[str, Any]:
        """The public form."""
        check, broken = self.check, self.check.broken
        return {
            "ok": broken is None,
            "rows": check.rows,
            "first_at": check.first_at and check.first_at.isoformat(),
            "last_at": check.last_at and check.last_at.isoformat(),
            "end": f"{check.number}:{check.hash}",
            "not_sealed_yet": check.waiting,
            "redis_compared": self.is_redis_compared,
            "lost_by_a_restore": [end.number for end in check.restored],
            "broken": broken
            and {"how": broken.kind.value, "number": broken.number, "id": broken.audit_id, "until": broken.until},
        }

    def sentence(self) -> str:
        """One line for people."""
        if self.check.broken is not None:
            return f"the audit is broken: {_told(self.check.broken)}"
        check = self.check
        if not check.rows and not check.waiting:
            return "the audit is empty"
        parts = [f"{check.rows} rows hold together"]
        if check.first_at is not None and check.last_at is not None:
            parts[0] += f", from {_shown(check.first_at)} to {_shown(check.last_at)}"
        if check.waiting:
            parts.append(f"{check.waiting} older ones are not sealed yet")
        if check.restored:
            until = max(end.number for end in check.restored)
            parts.append(f"what was there up to number {until} was lost when the database was put back from a copy")
        if not self.is_redis_compared:
            parts.append("Redis is away, so its copy of the end was not compared")
        return "; ".join(parts) + f"; end {check.number}:{check.hash}"


def verify_audit(rt: Runtime, now: datetime, expected: str | None = None) -> AuditReport:
    """Check the audit. `expected` is an end (`NUMBER:HASH`) that somebody wrote down elsewhere.

    If it holds, the copies of the end are renewed. Raises OperatorError if `expected` is no end.
    """
    ends = [] if expected is None else [_read_end(expected, now)]
    copies, is_whole = AuditCopies(rt).read()
    with rt.database.read() as session:
        if not rt.database.is_sqlite:
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        report = AuditReport(check_chain(session, rt.audit, [*ends, *copies]), is_whole)
    if report.check.broken is None and is_whole:
        try:
            AuditCopies(rt).keep(now)
        except (RedisError, OSError):
            return AuditReport(report.check, is_redis_compared=is_whole)  # the schedule writes them
    return report


def _read_end(text: str, now: datetime) -> ChainEnd:
    match = _EXPECTED.fullmatch(text.strip())
    if match is None:
        raise OperatorError("--end {text}: allowed is NUMBER:HASH as flask audit verify prints it", text=text)
    return ChainEnd(int(match[1]), match[2], now)


def _shown(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _told(broken: ChainBreak) -> str:
    """What was done, in words."""
    number, until = broken.number, broken.until
    if broken.kind is BreakKind.INSERTED and number is None:
        return f"row {broken.audit_id} was inserted by something that is not Hark"
    if number is None:
        return "the row that says where it ends is missing"
    where = f"number {number}" if until in {None, number} else f"numbers {number} to {until}"
    row = "" if broken.audit_id is None else f" (row {broken.audit_id})"
    match broken.kind:
        case BreakKind.CHANGED:
            return f"{where}{row} was changed"
        case BreakKind.MISSING:
            return f"{where}{row} missing"
        case BreakKind.REORDERED:
            return f"at {where}{row} the order was changed"
        case BreakKind.INSERTED:
            return f"{where} inserted without this installation's key, or everything since was changed and sealed again"
        case BreakKind.CUT_OFF:
            noted = "" if broken.noted_at is None else f", which were there at {_shown(broken.noted_at)}"
            return f"the end was cut off: {where}{noted}"
