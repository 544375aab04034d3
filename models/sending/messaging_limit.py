"""Reserves a portfolio's messaging limit, unique people in a moving 24 h (docs/meta.md §4.3), when a recipient is claimed.

People in an open service window, and people who are counted already, use none of it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from models.db.bulk import among, values_cte
from models.db.dialect import NO_SYNC, insert_into
from models.tables.conversation import WINDOW, Conversation
from models.tables.engagement import LIMIT_SPAN, LedgerEntry
from models.tables.number import UNLIMITED, Portfolio
from models.tables.setting import Setting

SPAN = LIMIT_SPAN
LIFTED_SHARE = 100
_LEDGER_COLUMNS = {"portfolio_id": "integer", "person_key": "text", "first_at": "timestamptz"}
_COUNT = (
    "INSERT INTO portfolio_ledger (portfolio_id, person_key, first_at) "
    "SELECT portfolio_id, person_key, first_at FROM v WHERE true ORDER BY person_key "
    "ON CONFLICT (portfolio_id, person_key) DO UPDATE SET first_at = excluded.first_at"
)


@dataclass(frozen=True, slots=True)
class Reservation:
    """The person keys that may be written to, those of them that this reservation counted, and when there is room again.

    `lifts_at` is None if there was room for all.
    """

    granted: frozenset[str]
    counted: frozenset[str]
    lifts_at: datetime | None


def reserve_people(
    session: Session, portfolio_id: int, number_id: int, people: Sequence[tuple[str, int]], now: datetime
) -> Reservation:
    """Reserve for each (person_key, contact_id) in the claim's transaction; people beyond the limit are not granted.

    Without a limit, and while it is unknown, everybody is granted and counted all the same: Meta may set a limit at any time.
    """
    keys = [key for key, _ in people]
    # Not against those who only refer to the portfolio, such as a reply of a new person: it may wait for recipients whose results
    # wait for the campaign that this transaction holds.
    limit = session.execute(
        select(Portfolio.messaging_limit).where(Portfolio.id == portfolio_id).with_for_update(key_share=True)
    ).scalar_one()
    if not people:
        return Reservation(frozenset(), frozenset(), None)
    limit = None if limit == UNLIMITED else limit
    free = _already_counted(session, portfolio_id, keys, now) | _in_window(session, number_id, people, now)
    new = [key for key in keys if key not in free]
    room = _reserve_room(session, portfolio_id, limit, len(new), now)
    lifts_at = limit_lifts_at(session, portfolio_id, now) if room < len(new) else None
    new = new[:room]
    if new:
        rows = [(portfolio_id, key, now) for key in sorted(new)]
        values, parameters = values_cte(session, "v", _LEDGER_COLUMNS, rows)
        session.execute(text(f"WITH {values} {_COUNT}"), parameters)
    return Reservation(frozenset(new) | free, frozenset(new), lifts_at)


def release_people(session: Session, portfolio_id: int, people: Collection[str]) -> None:
    """Delete the reservations of people who were certainly not written to."""
    if people:
        session.execute(
            delete(LedgerEntry).where(
                LedgerEntry.portfolio_id == portfolio_id, LedgerEntry.person_key.in_(sorted(people))
            ),
            execution_options=NO_SYNC,
        )


def used_people(session: Session, portfolio_id: int, now: datetime) -> int:
    """How many unique people of the last 24 h are counted at `now`."""
    query = select(func.count()).where(LedgerEntry.portfolio_id == portfolio_id, LedgerEntry.first_at > now - SPAN)
    return int(session.execute(query).scalar_one())


def limit_lifts_at(session: Session, portfolio_id: int, now: datetime) -> datetime:
    """When a hundredth of the limit is free again.

    Resuming for one person at a time would cost a preflight and a pause for each.
    """
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


def all_sent_at(session: Session, portfolio_id: int, people: int, now: datetime) -> datetime:
    """When the last of so many new people can be written to, if there is no room left now and each place is used again at once.

    Each place is free 24 hours after it was taken. A campaign that waits goes on for a hundredth of the limit at a time, so
    the last one may have to wait for that many places.
    """
    limit = max(1, session.scalar(select(Portfolio.messaging_limit).where(Portfolio.id == portfolio_id)) or 0)
    rounds, last = divmod(max(1, people) - 1, limit)
    step = max(1, limit // LIFTED_SHARE)
    first_at = session.scalar(
        select(LedgerEntry.first_at)
        .where(LedgerEntry.portfolio_id == portfolio_id, LedgerEntry.first_at > now - SPAN)
        .order_by(LedgerEntry.first_at)
        .offset((last // step + 1) * step - 1)
        .limit(1)
    )
    return (first_at or now) + SPAN * (rounds + 1)


def _reserve_room(session: Session, portfolio_id: int, limit: int | None, asked: int, now: datetime) -> int:
    """How many of `asked` new people there is room for; the stored upper bound is raised by that number.

    Counting 100,000 people takes 5 to 20 ms, too long for every chunk. So an upper bound is stored: the last count and all that
    was reserved since. People whose 24 h end only make it too high, and before it would refuse somebody it is counted anew. The
    caller has locked the portfolio's row.
    """
    key = f"ledger_at_most:{portfolio_id}"
    if limit is None:  # none, or unknown: everybody is granted, and the first claim with a limit counts anew
        session.execute(delete(Setting).where(Setting.key == key), execution_options=NO_SYNC)
        return asked
    upper_bound = session.execute(select(Setting.value).where(Setting.key == key)).scalar_one_or_none()
    if upper_bound is None or upper_bound + asked > limit:
        upper_bound = used_people(session, portfolio_id, now)
    room = min(asked, max(0, limit - upper_bound))
    statement = insert_into(session, Setting).values(key=key, value=upper_bound + room, updated_at=now)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["key"],
            set_={"value": statement.excluded.value, "updated_at": statement.excluded.updated_at},
        )
    )
    return room


def _already_counted(session: Session, portfolio_id: int, keys: Sequence[str], now: datetime) -> frozenset[str]:
    # The age is compared here: in the statement it would make the planner read everybody of the last 24 hours.
    query = select(LedgerEntry.person_key, LedgerEntry.first_at).where(
        LedgerEntry.portfolio_id == portfolio_id, among(session, LedgerEntry.person_key, keys)
    )
    return frozenset(key for key, first_at in session.execute(query) if first_at > now - SPAN)


def _in_window(session: Session, number_id: int, people: Sequence[tuple[str, int]], now: datetime) -> frozenset[str]:
    query = select(Conversation.contact_id).where(
        Conversation.number_id == number_id,
        among(session, Conversation.contact_id, [contact_id for _, contact_id in people]),
        Conversation.last_inbound_at > now - WINDOW,
    )
    inside = set(session.scalars(query))
    return frozenset(key for key, contact_id in people if contact_id in inside)
