"""Applying statuses: matched to our messages, folded, written once per table, whatever their order.

A status is matched by our callback data first and by wamid second; wamid and number must agree where they are known. What is
ours and matches nothing yet, or nothing that it can be applied to yet, is parked (models.events.parked). Any status that fits says
that Meta accepted the message: it settles `unsure`, overtakes the sender's own record, and keeps a row from being sent again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from models.campaigns.failures import NewFailure
from models.db.bulk import for_update, in_list, values_cte
from models.events.statuses.effects import Applicable, apply_effects
from models.events.statuses.fold import StatusFacts, fold_statuses
from models.events.statuses.sql import MESSAGES, RECIPIENTS, StatusTable
from models.events.types import Status


@dataclass(slots=True)
class StatusResult:
    """What became of a batch, in statuses."""

    applied: int = 0
    foreign: int = 0
    """Of another installation."""
    disagreeing: int = 0
    """Their wamid or number is not the one of the message they claim to be about."""
    waiting: list[Status] = field(default_factory=list)
    """Those that match nothing yet."""
    failures: list[NewFailure] = field(default_factory=list)


class _Verdict(Enum):
    FITS = auto()
    EARLY = auto()
    DISAGREES = auto()


def apply_statuses(session: Session, statuses: Iterable[Status], now: datetime, installation: str) -> StatusResult:
    """Apply a batch; `waiting` is for the caller to park. A deadlock rises: repeat the transaction."""
    result = StatusResult()
    facts = _of_this_installation(fold_statuses(statuses), installation, result)
    for table in (RECIPIENTS, MESSAGES):
        named = [item for item in facts if item.callback is not None and table.id_in(item.callback) is not None]
        found = _read(session, table, "id", [table.id_in(item.callback) for item in named if item.callback])
        by_id = {row.id: row for row in found}
        matched = [(by_id[key], item) for item in named if (key := table.id_in(item.callback)) in by_id]
        taken = {id(item) for _, item in matched}
        facts = [item for item in facts if id(item) not in taken]
        unnamed = [item for item in facts if item.callback is None or item in named]
        by_wamid = {row.wamid: row for row in _read(session, table, "wamid", [item.wamid for item in unnamed])}
        matched += [(by_wamid[item.wamid], item) for item in unnamed if item.wamid in by_wamid]
        taken = {id(item) for _, item in matched}
        facts = [item for item in facts if id(item) not in taken]
        _write(session, table, matched, now, result)
    for item in facts:
        result.waiting += item.statuses
    return result


def _of_this_installation(found: list[StatusFacts], installation: str, result: StatusResult) -> list[StatusFacts]:
    ours = []
    for facts in found:
        if facts.callback is not None and facts.callback.installation != installation:
            result.foreign += len(facts.statuses)
        else:
            ours.append(facts)
    return ours


def _read(session: Session, table: StatusTable, column: str, values: Sequence[Any]) -> Sequence[Row[Any]]:
    """The rows, locked in id order."""
    if not values:
        return ()
    wanted, parameters = in_list(session, "wanted", "bigint" if column == "id" else "text", values)
    statement = f"{table.read} WHERE r.{column} IN {wanted} {table.only} ORDER BY r.id"
    return session.execute(for_update(session, statement, "r"), parameters).all()


def _write(
    session: Session,
    table: StatusTable,
    matched: list[tuple[Row[Any], StatusFacts]],
    now: datetime,
    result: StatusResult,
) -> None:
    """One guarded statement, in id order, for all that fits."""
    applicable: dict[int, Applicable] = {}
    # Who knows the row's wamid goes first, then the newest attempt: the same whatever came first.
    for row, facts in sorted(matched, key=lambda pair: _precedence(*pair)):
        taken = applicable.get(row.id)
        verdict = _judge(row, facts, taken.facts.wamid if taken else row.wamid)
        if verdict is _Verdict.EARLY:
            result.waiting += facts.statuses
        elif verdict is _Verdict.DISAGREES:
            result.disagreeing += len(facts.statuses)
        elif taken:
            result.applied += len(facts.statuses)
            for status in facts.statuses:
                taken.facts.add(status)
        else:
            result.applied += len(facts.statuses)
            applicable[row.id] = Applicable(row, facts)
    if not applicable:
        return
    rows = [table.values(key, item.facts) for key, item in sorted(applicable.items())]
    values, parameters = values_cte(session, "v", table.columns, rows)
    session.execute(text(f"WITH {values} {table.write}"), parameters)
    if table is RECIPIENTS:
        result.failures += apply_effects(session, list(applicable.values()), now)


def _precedence(row: Row[Any], facts: StatusFacts) -> tuple[Any, ...]:
    attempt = facts.callback.attempt if facts.callback else 0
    return row.id, row.wamid != facts.wamid, -attempt, facts.first_at, facts.wamid, facts.callback is None


def _judge(row: Row[Any], facts: StatusFacts, wamid: str | None) -> _Verdict:
    """`wamid` is the row's, or the one that another part of this batch just gave it."""
    if facts.number and row.phone_number_id and facts.number != row.phone_number_id:
        return _Verdict.DISAGREES
    if wamid is not None:
        return _Verdict.FITS if wamid == facts.wamid else _Verdict.DISAGREES
    attempt = facts.callback.attempt if facts.callback else row.attempts
    if attempt > row.attempts or (row.state == "sending" and attempt != row.attempts):
        return _Verdict.EARLY  # an attempt that is not ours yet, or an older one while another is under way
    if row.state in {"queued", "refused", "not_sent"} and not facts.is_proof:
        return _Verdict.EARLY  # it goes with the refusal, or with an acceptance that is still to come
    return _Verdict.FITS
