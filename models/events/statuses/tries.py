"""Finds the earlier try that a status is about: by the attempt in its callback data, else by its wamid.

The last try stands on the recipient itself, so most batches ask nothing here: an earlier try can only be meant where the status
names an attempt below the recipient's, or the recipient waits for another.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Row
from sqlalchemy.orm import Session

from models.db.bulk import for_update, in_list
from models.events.statuses.fold import StatusFacts
from models.events.statuses.sql import LOCK_RECIPIENTS, TRIES
from models.tries.rows import ARRIVED, take_back, tries_of

Match = tuple[Row[Any], StatusFacts]
_WAITING = frozenset({"queued", "not_sent"})


class SplitMatches(NamedTuple):
    """Matches of recipients whose last try is meant, and of their earlier tries."""

    of_recipients: list[Match]
    of_tries: list[Match]


def split_tries(session: Session, matched: Sequence[Match]) -> SplitMatches:
    """Give the facts that name an earlier try to its row, locked by recipient and attempt. The recipients are locked already."""
    result = SplitMatches([], [])
    doubtful = {row.id for row, facts in matched if _may_be_earlier(row, facts)}
    tries = _read(session, "recipient_id", sorted(doubtful)) if doubtful else {}
    for row, facts in matched:
        earlier = tries.get(row.id) if row.id in doubtful and facts.callback is not None else None
        place = bisect_left(earlier, facts.callback.attempt, key=_attempt) if earlier and facts.callback else 0
        if earlier and place < len(earlier):
            result.of_tries.append((earlier[place], facts))
        else:
            result.of_recipients.append((row, facts))
    return result


def match_by_wamid(session: Session, facts: Sequence[StatusFacts]) -> list[Match]:
    """The facts without callback data whose wamid an earlier try has. It locks the recipients first, as everybody does."""
    by_wamid = {item.wamid: item for item in facts if item.callback is None}
    if not by_wamid:
        return []
    values, parameters = in_list(session, "wanted", "text", sorted(by_wamid))
    session.execute(for_update(session, LOCK_RECIPIENTS.format(values=values), "p"), parameters).all()
    found = _read(session, "wamid", sorted(by_wamid))
    return [(row, by_wamid[row.wamid]) for rows in found.values() for row in rows]


def take_settled_back(session: Session, applied: Sequence[Row[Any]]) -> None:
    """Take those out of the queue whose earlier try Meta accepted after all, by what was just applied to these tries.

    So is one whose last try was unsure and failed by now: whether `sent` or `failed` comes first must not matter.
    """
    of_recipients = tries_of(session, sorted({row.recipient_id for row in applied}))
    was_open = {row.id for row in applied if row.state != "accepted"}
    take_back(
        session,
        [
            recipient_id
            for recipient_id, tries in of_recipients.items()
            if tries[-1].id in was_open or any(item.status in ARRIVED for item in tries)
        ],
    )


def _may_be_earlier(row: Row[Any], facts: StatusFacts) -> bool:
    if facts.callback is None or not row.attempts:
        return False
    return facts.callback.attempt < row.attempts or row.state in _WAITING


def _read(session: Session, column: str, values: Sequence[Any]) -> dict[int, list[Row[Any]]]:
    """The tries by recipient, in the order of their attempts."""
    listed, parameters = in_list(session, "wanted", "text" if column == "wamid" else "bigint", values)
    statement = f"{TRIES.read} WHERE r.{column} IN {listed} ORDER BY r.recipient_id, r.attempt"
    rows: dict[int, list[Row[Any]]] = {}
    for row in session.execute(for_update(session, statement, "r"), parameters):
        rows.setdefault(row.recipient_id, []).append(row)
    return rows


def _attempt(row: Row[Any]) -> int:
    return int(row.attempts)
