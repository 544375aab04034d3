"""Checks the chain of the audit from its start to its end, and says where it breaks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, exists, func, or_, select
from sqlalchemy.orm import Session

from models.audit.old_entries import old_entries_left
from models.audit.seal import ENTRY, AuditSealer, entry_hash, first_hash, start_text
from models.tables.audit import Audit, AuditAction
from models.tables.audit_chain import ONLY_ROW, AuditChain, AuditSeal

SLICE = 1_000
NEAR = 200
"""How many numbers around a break are searched for what stood there, to tell a changed order from a changed entry."""


class BreakKind(StrEnum):
    """What was done to the audit."""

    CHANGED = "changed"
    MISSING = "missing"
    INSERTED = "inserted"
    REORDERED = "reordered"
    CUT_OFF = "cut_off"


@dataclass(frozen=True, slots=True)
class ChainBreak:
    """The first place where the chain does not hold: the number in the chain and the entry's id, where there is one.

    Neither is there if the row is gone that says where the chain ends.
    """

    kind: BreakKind
    number: int | None
    audit_id: int | None = None
    until: int | None = None
    """The last number that is concerned, where it is more than one."""
    noted_at: datetime | None = None
    """When the copy was made that knows what is cut off; None if the database itself knows it."""


@dataclass(frozen=True, slots=True)
class ChainEnd:
    """What a copy outside of the database says about the end of the chain at a moment."""

    number: int
    hash: str
    at: datetime


@dataclass(slots=True)
class ChainCheck:
    """The result. `number` and `hash` are the end of the chain; `waiting` counts entries of before it that are sealed later."""

    rows: int = 0
    number: int = 0
    hash: str = ""
    first_at: datetime | None = None
    last_at: datetime | None = None
    waiting: int = 0
    broken: ChainBreak | None = None
    restored: list[ChainEnd] = field(default_factory=list)
    """Ends that are gone because the database was put back from a copy, which the chain itself says."""


def check_chain(session: Session, sealer: AuditSealer, ends: Sequence[ChainEnd]) -> ChainCheck:
    """Walk over the chain. `ends` are the copies of its end; they must have been read before the session began.

    The session must see one state of the database throughout: on PostgreSQL, a transaction of REPEATABLE READ.
    """
    chain = session.get(AuditChain, ONLY_ROW)
    if chain is None:
        return ChainCheck(broken=ChainBreak(BreakKind.MISSING, None))
    check = ChainCheck(number=chain.start_number, hash=chain.start_hash or first_hash(chain.old_last))
    lost = {(end.number, end.hash): end for end in ends}
    if chain.start_number and not sealer.is_proven(
        start_text(chain.start_number, chain.start_hash, chain.old_last), chain.start_mac
    ):
        check.broken = ChainBreak(BreakKind.MISSING, 1, until=chain.start_number)
        return check
    proven = chain.start_number
    for row in _rows(session, chain.start_number, chain.number):
        check.broken = _break_at(session, check, row)
        if check.broken is not None:
            return check
        if sealer.is_proven(row.seal_hash, row.mac):
            proven = row.number
        check.rows += 1
        check.number, check.hash, check.last_at = row.number, row.seal_hash, row.at
        check.first_at = check.first_at or row.at
        lost.pop((row.number, row.seal_hash), None)
    check.broken = (
        _break_of_the_end(check, chain, proven)
        or _unsealed(session, check)
        or _lost_end(session, check, chain.start_number, list(lost.values()))
    )
    return check


def _rows(session: Session, after: int, last: int) -> Iterator[Row[Any]]:
    """Every link up to `last` with its entry, in order; the entry's columns are None where it is gone."""
    columns = (AuditSeal.number, AuditSeal.audit_id, AuditSeal.hash.label("seal_hash"), AuditSeal.mac, *ENTRY)
    query = select(*columns).outerjoin(Audit, Audit.id == AuditSeal.audit_id).order_by(AuditSeal.number).limit(SLICE)
    while rows := session.execute(query.where(AuditSeal.number > after, AuditSeal.number <= last)).all():
        yield from rows
        after = rows[-1].number


def _break_at(session: Session, check: ChainCheck, row: Row[Any]) -> ChainBreak | None:
    """What is wrong with this link, behind those that were found good."""
    number = check.number + 1
    if row.number != number:
        return ChainBreak(BreakKind.MISSING, number, until=row.number - 1)
    if row.id is None:
        return ChainBreak(BreakKind.MISSING, number, row.audit_id)
    if row.seal_hash == entry_hash(check.hash, number, tuple(row[4:])):
        return None
    kind = BreakKind.REORDERED if _stood_elsewhere(session, check, row) else BreakKind.CHANGED
    return ChainBreak(kind, number, row.audit_id)


def _stood_elsewhere(session: Session, check: ChainCheck, broken: Row[Any]) -> bool:
    """Whether the link fits another entry nearby, or the entry another link: then the order was changed."""
    previous, near = check.hash, list(_rows(session, max(0, check.number - NEAR), check.number + NEAR))
    entry: tuple[Any, ...] = tuple(broken[4:])
    for row in near:
        if row.id is not None and row.number != broken.number:
            fits_here = entry_hash(previous, broken.number, tuple(row[4:])) == broken.seal_hash
            if fits_here or entry_hash(previous, broken.number, entry) == row.seal_hash:
                return True
    return False


def _break_of_the_end(check: ChainCheck, chain: AuditChain, proven: int) -> ChainBreak | None:
    if check.number < chain.number:
        return ChainBreak(BreakKind.CUT_OFF, check.number + 1, until=chain.number)
    if check.rows and proven < check.number:
        return ChainBreak(BreakKind.INSERTED, proven + 1, until=check.number)
    if check.rows and chain.hash != check.hash:
        return ChainBreak(BreakKind.CHANGED, check.number)
    return None


def _unsealed(session: Session, check: ChainCheck) -> ChainBreak | None:
    """The first entry without a link; entries of before the chain that wait for theirs are counted."""
    after, last = old_entries_left(session)
    is_unsealed = ~exists().where(AuditSeal.audit_id == Audit.id)
    waiting = select(func.count()).select_from(Audit).where(is_unsealed, Audit.id > after, Audit.id <= last)
    check.waiting = session.scalar(waiting) or 0
    is_new = or_(Audit.id <= after, Audit.id > last)
    inserted = session.scalar(select(Audit.id).where(is_unsealed, is_new).order_by(Audit.id).limit(1))
    if inserted is not None:
        return ChainBreak(BreakKind.INSERTED, None, inserted)
    last_seal = session.scalar(select(func.max(AuditSeal.number))) or 0
    return ChainBreak(BreakKind.INSERTED, check.number + 1, until=last_seal) if last_seal > check.number else None


def _lost_end(session: Session, check: ChainCheck, start: int, lost: list[ChainEnd]) -> ChainBreak | None:
    """The first end that a copy knows and the chain does not have, unless the database was put back from a copy since.

    The chain says that itself: the first that Hark does with an older database is to hold it, and that is an entry with a number
    which the lost end had reached.
    """
    for end in sorted(lost, key=lambda lost_end: lost_end.number):
        if end.number <= start:
            continue
        is_hold = (Audit.action == AuditAction.HOLD, Audit.object_type == "database", Audit.at >= end.at)
        query = select(AuditSeal.number).join(Audit, Audit.id == AuditSeal.audit_id)
        if session.scalar(query.where(*is_hold, AuditSeal.number <= end.number).limit(1)) is None:
            first = min(check.number + 1, end.number)
            return ChainBreak(BreakKind.CUT_OFF, first, until=end.number, noted_at=end.at)
        check.restored.append(end)
    return None
