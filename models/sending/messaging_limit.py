"""The portfolio's count of unique people in a moving 24 h (docs/meta.md §4.3), reserved when a row is claimed.

People in an open service window, and people who count already, cost nothing.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from models.db.dialect import NO_SYNC, insert_into
from models.tables.conversation import WINDOW, Conversation
from models.tables.engagement import LedgerEntry
from models.tables.number import UNLIMITED, Portfolio
from models.tables.setting import Setting

SPAN = timedelta(hours=24)
LIFTED_SHARE = 100


@dataclass(frozen=True, slots=True)
class Reservation:
    """Who of the asked may be written to, who of them is newly counted, and when the limit gives way if it was met."""

    granted: frozenset[str]
    counted: frozenset[str]
    lifts_at: datetime | None


def reserve_people(
    session: Session, portfolio_id: int, number_id: int, people: Sequence[tuple[str, int]], now: datetime
) -> Reservation:
    """Reserve for (person_key, contact_id) in the claim's transaction; those beyond the limit are not granted."""
    keys = [key for key, _ in people]
    limit = session.execute(
        select(Portfolio.messaging_limit).where(Portfolio.id == portfolio_id).with_for_update()
    ).scalar_one()
    if limit == UNLIMITED or not people:
        return Reservation(frozenset(keys), frozenset(), None)
    free = _already_counted(session, portfolio_id, keys, now) | _in_window(session, number_id, people, now)
    new = [key for key in keys if key not in free]
    room = _take_room(session, portfolio_id, limit, len(new), now)
    lifts_at = limit_lifts_at(session, portfolio_id, now) if room < len(new) else None
    new = new[:room]
    if new:
        statement = insert_into(session, LedgerEntry)
        session.connection().execute(
            statement.on_conflict_do_update(
                index_elements=["portfolio_id", "person_key"], set_={"first_at": statement.excluded.first_at}
            ),
            [{"portfolio_id": portfolio_id, "person_key": key, "first_at": now} for key in sorted(new)],
        )
    return Reservation(frozenset(new) | free, frozenset(new), lifts_at)


def release_people(session: Session, portfolio_id: int, people: Collection[str]) -> None:
    """Give reservations back: these people were certainly not written to."""
    if people:
        session.execute(
            delete(LedgerEntry).where(
                LedgerEntry.portfolio_id == portfolio_id, LedgerEntry.person_key.in_(sorted(people))
            ),
            execution_options=NO_SYNC,
        )


def used_people(session: Session, portfolio_id: int, now: datetime) -> int:
    """How many unique people count at `now`."""
    query = select(func.count()).where(LedgerEntry.portfolio_id == portfolio_id, LedgerEntry.first_at > now - SPAN)
    return int(session.execute(query).scalar_one())


def limit_lifts_at(session: Session, portfolio_id: int, now: datetime) -> datetime:
    """When a hundredth of the limit is free again: going on for one person at a time would be a preflight and a pause for each."""
    limit = session.scalar(select(Portfolio.messaging_limit).where(Portfolio.id == portfolio_id)) or 0
    oldest = (
        select(LedgerEntry.first_at)
        .where(LedgerEntry.portfolio_id == portfolio_id, LedgerEntry.first_at > now - SPAN)
        .order_by(LedgerEntry.first_at)
        .limit(max(1, limit // LIFTED_SHARE))
        .subquery()
    )
    last = session.execute(select(func.max(oldest.c.first_at))).scalar_one_or_none()
    return (last or now) + SPAN


def _take_room(session: Session, portfolio_id: int, limit: int | None, wanted: int, now: datetime) -> int:
    """How many of `wanted` new people there is room for; they are counted with this.

    Counting 100,000 people takes 5 to 20 ms, too long for every chunk. So a number is kept that `used` does not exceed: what it
    last was, and all that was reserved since. People who stop counting only make it loose, and where it would refuse somebody
    it is counted anew. The caller has locked the portfolio's row.
    """
    key = f"ledger_at_most:{portfolio_id}"
    if limit is None:  # unknown: everybody may be written to, and whoever learns it counts first
        session.execute(delete(Setting).where(Setting.key == key), execution_options=NO_SYNC)
        return wanted
    at_most = session.execute(select(Setting.value).where(Setting.key == key)).scalar_one_or_none()
    if at_most is None or at_most + wanted > limit:
        at_most = used_people(session, portfolio_id, now)
    room = min(wanted, max(0, limit - at_most))
    statement = insert_into(session, Setting).values(key=key, value=at_most + room, updated_at=now)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["key"],
            set_={"value": statement.excluded.value, "updated_at": statement.excluded.updated_at},
        )
    )
    return room


def _already_counted(session: Session, portfolio_id: int, keys: Sequence[str], now: datetime) -> frozenset[str]:
    # The age is compared here: in the statement it leads the planner to everybody of the last 24 hours.
    query = select(LedgerEntry.person_key, LedgerEntry.first_at).where(
        LedgerEntry.portfolio_id == portfolio_id, LedgerEntry.person_key.in_(keys)
    )
    return frozenset(key for key, first_at in session.execute(query) if first_at > now - SPAN)


def _in_window(session: Session, number_id: int, people: Sequence[tuple[str, int]], now: datetime) -> frozenset[str]:
    query = select(Conversation.contact_id).where(
        Conversation.number_id == number_id,
        Conversation.contact_id.in_([contact_id for _, contact_id in people]),
        Conversation.last_inbound_at > now - WINDOW,
    )
    inside = set(session.scalars(query))
    return frozenset(key for key, contact_id in people if contact_id in inside)
