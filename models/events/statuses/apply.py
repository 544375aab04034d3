"""Applies statuses: folds them per message, matches them to rows, and writes each table once, whatever their order.

A status is matched by our callback data first and by wamid second; a known wamid and number must agree. It touches only the try
that it names; what shows that an earlier one was accepted after all takes the recipient out of the queue. A status of ours that
matches no row yet, or that cannot be applied to its row yet, is parked (models.events.parked). Any status that fits means that
Meta accepted the message: it settles `unsure`, may precede the sender's own record, and keeps the row from being sent again.
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
from models.events.statuses.answer_costs import note_answer_costs
from models.events.statuses.effects import Applicable, apply_effects
from models.events.statuses.fold import StatusFacts, fold_statuses
from models.events.statuses.parents import learn_parents
from models.events.statuses.sql import MESSAGES, RECIPIENTS, TRIES, StatusTable
from models.events.statuses.tries import match_by_wamid, split_tries, take_settled_back
from models.events.types import Status
from models.restore.proof import are_ahead


@dataclass(slots=True)
class StatusResult:
    """The result of a batch; the numbers count statuses."""

    applied: int = 0
    foreign: int = 0
    """Statuses of another installation's messages."""
    disagreeing: int = 0
    """Statuses whose wamid or number is not that of the row named by their callback data."""
    waiting: list[Status] = field(default_factory=list)
    """Statuses to park."""
    failures: list[NewFailure] = field(default_factory=list)
    is_ahead: bool = False
    """Whether one belongs to a recipient or an attempt that this database has not reached: it is an older one."""


class _Verdict(Enum):
    FITS = auto()
    EARLY = auto()
    DISAGREES = auto()


def apply_statuses(session: Session, statuses: Iterable[Status], now: datetime, installation: str) -> StatusResult:
    """Apply a batch; the caller parks `waiting`. Raises DBAPIError after a deadlock: the caller repeats the transaction."""
    result, statuses = StatusResult(), list(statuses)
    facts = _of_this_installation(fold_statuses(statuses), installation, result)
    for table in (RECIPIENTS, MESSAGES):
        named = [item for item in facts if item.callback is not None and table.id_in(item.callback) is not None]
        rows = _read(session, table, "id", [table.id_in(item.callback) for item in named if item.callback])
        by_id = {row.id: row for row in rows}
        matched = [(by_id[key], item) for item in named if (key := table.id_in(item.callback)) in by_id]
        matched_ids = {id(item) for _, item in matched}
        facts = [item for item in facts if id(item) not in matched_ids]
        unnamed = [item for item in facts if item.callback is None or item in named]
        by_wamid = {row.wamid: row for row in _read(session, table, "wamid", [item.wamid for item in unnamed])}
        matched += [(by_wamid[item.wamid], item) for item in unnamed if item.wamid in by_wamid]
        matched_ids = {id(item) for _, item in matched}
        facts = [item for item in facts if id(item) not in matched_ids]
        if table is RECIPIENTS:
            matched, of_tries = split_tries(session, matched)
            _write_tries(session, of_tries, now, result)
        _write(session, table, matched, now, result)
    if matched := match_by_wamid(session, facts):
        _write_tries(session, matched, now, result)
        matched_ids = {id(item) for _, item in matched}
        facts = [item for item in facts if id(item) not in matched_ids]
    for item in facts:
        result.waiting += item.statuses
    unknown = [
        key for item in facts if item.callback is not None and (key := RECIPIENTS.id_in(item.callback)) is not None
    ]
    result.is_ahead = result.is_ahead or are_ahead(session, unknown)
    learn_parents(session, statuses)
    return result


def _write_tries(
    session: Session, matched: list[tuple[Row[Any], StatusFacts]], now: datetime, result: StatusResult
) -> None:
    """Write what is said of earlier tries, and take those out of the queue who have a message after all."""
    if matched:
        take_settled_back(session, _write(session, TRIES, matched, now, result))


def _of_this_installation(all_facts: list[StatusFacts], installation: str, result: StatusResult) -> list[StatusFacts]:
    ours = []
    for facts in all_facts:
        if facts.callback is not None and facts.callback.installation != installation:
            result.foreign += len(facts.statuses)
        else:
            ours.append(facts)
    return ours


def _read(session: Session, table: StatusTable, column: str, values: Sequence[Any]) -> Sequence[Row[Any]]:
    """Return the rows, locked in id order."""
    if not values:
        return ()
    values_sql, parameters = in_list(session, "wanted", "bigint" if column == "id" else "text", values)
    statement = f"{table.read} WHERE r.{column} IN {values_sql} {table.only} ORDER BY r.id"
    return session.execute(for_update(session, statement, "r"), parameters).all()


def _write(
    session: Session,
    table: StatusTable,
    matched: list[tuple[Row[Any], StatusFacts]],
    now: datetime,
    result: StatusResult,
) -> list[Row[Any]]:
    """Write the statuses that fit in one guarded statement, in id order; return the rows as they were."""
    applicable: dict[int, Applicable] = {}
    # Facts with the row's wamid go first, then the newest attempt, so that the order of arrival does not matter.
    for row, facts in sorted(matched, key=lambda pair: _precedence(*pair)):
        earlier = applicable.get(row.id)
        verdict = _verdict(row, facts, earlier.facts.wamid if earlier else row.wamid)
        if verdict is _Verdict.EARLY:
            result.waiting += facts.statuses
            result.is_ahead = result.is_ahead or (table is RECIPIENTS and _is_ahead(row, facts))
        elif verdict is _Verdict.DISAGREES:
            result.disagreeing += len(facts.statuses)
        elif earlier:
            result.applied += len(facts.statuses)
            for status in facts.statuses:
                earlier.facts.add(status)
        else:
            result.applied += len(facts.statuses)
            applicable[row.id] = Applicable(row, facts)
    if not applicable:
        return []
    rows = [table.values(key, item.facts) for key, item in sorted(applicable.items())]
    values, parameters = values_cte(session, "v", table.columns, rows)
    session.execute(text(f"WITH {values} {table.write}"), parameters)
    if table is not MESSAGES:
        result.failures += apply_effects(session, list(applicable.values()), now, is_last_try=table is RECIPIENTS)
    else:
        note_answer_costs(session, {key: item.facts for key, item in applicable.items()}, now)
    return [item.row for item in applicable.values()]


def _precedence(row: Row[Any], facts: StatusFacts) -> tuple[Any, ...]:
    attempt = facts.callback.attempt if facts.callback else 0
    return row.id, row.wamid != facts.wamid, -attempt, facts.first_at, facts.wamid, facts.callback is None


def _is_ahead(row: Row[Any], facts: StatusFacts) -> bool:
    """Whether the attempt is one that this database has not made: a claim is committed before its request leaves.

    A row that is or was unsure proves nothing: an operator may send again what was lost with a database.
    """
    is_later = facts.callback is not None and facts.callback.attempt > row.attempts
    return is_later and row.state in {"queued", "sending"} and not row.was_unsure


def _verdict(row: Row[Any], facts: StatusFacts, wamid: str | None) -> _Verdict:
    """`wamid` is that of the row, or of facts in this batch that were applied to it first."""
    if facts.number and row.phone_number_id and facts.number != row.phone_number_id:
        return _Verdict.DISAGREES
    if wamid is not None:
        return _Verdict.FITS if wamid == facts.wamid else _Verdict.DISAGREES
    attempt = facts.callback.attempt if facts.callback else row.attempts
    if row.state == "unsure":
        return _Verdict.FITS  # of a database that was put back, its attempt may be above the row's
    if attempt > row.attempts or (row.state == "sending" and attempt != row.attempts):
        return _Verdict.EARLY  # an attempt that is not recorded yet, or an older one while another is under way
    if row.state in {"queued", "refused", "not_sent"} and not facts.is_proof:
        return _Verdict.EARLY  # the failure belongs to the refusal, or to an acceptance that is still to come
    return _Verdict.FITS
