"""The daily look at the customers that a shop changed: when one is due, how far it is, and where to go on.

A look is a row. After each page its place is stored, so a look that was stopped goes on there. The windows of two looks overlap,
and a customer who is met twice is changed once.
"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from models.db.dialect import NO_SYNC, insert_into
from models.tables.shop import ShopLook

EVERY = timedelta(days=1)
OVERLAP = timedelta(minutes=15)
WINDOW = 20_000
"""A shop pages at most 25,000 customers of one query; then a new window begins at the last one."""


def is_look_due(session: Session, shop: str, now: datetime) -> bool:
    """Whether there was none for a day, or one is not finished and may go on."""
    look = session.get(ShopLook, shop)
    if look is None:
        return True
    return look.next_try_at <= now if look.finished_at is None else look.started_at + EVERY <= now


def begin_look(session: Session, shop: str, now: datetime) -> ShopLook | None:
    """Return the look that is to go on, begun if one is due; None where none is. The first one is about the last day."""
    if not is_look_due(session, shop, now):
        return None
    look = session.get(ShopLook, shop, populate_existing=True, with_for_update=True)
    if look is not None and look.finished_at is None:
        return look
    since = look.started_at - OVERLAP if look is not None else now - EVERY
    values = {
        "since": since,
        "cursor": None,
        "reached_at": None,
        "in_window": 0,
        "customers": 0,
        "started_at": now,
        "finished_at": None,
        "next_try_at": now,
        "error": "",
    }
    statement = insert_into(session, ShopLook).values(shop=shop, **values)
    session.execute(statement.on_conflict_do_update(index_elements=["shop"], set_=values))
    return session.get_one(ShopLook, shop, populate_existing=True)


def advance_look(
    session: Session, look: ShopLook, count: int, reached_at: datetime | None, cursor: str | None, now: datetime
) -> bool:
    """Store the place after a page of `count` customers; without a `cursor` the look is finished.

    False where another worker has brought it on meanwhile; nothing is changed then.
    """
    reached = reached_at or look.reached_at
    values: dict[str, object] = {"cursor": cursor, "reached_at": reached, "in_window": look.in_window + count}
    values |= {"customers": look.customers + count, "error": ""}
    if cursor is None:
        values["finished_at"] = now
    elif look.in_window + count >= WINDOW:
        values |= _new_window(look, reached)
    return _update(session, look, values)


def postpone_look(session: Session, look: ShopLook, now: datetime, pause: timedelta, error: str) -> bool:
    """The shop did not answer: go on later, from the same place."""
    return _update(session, look, {"next_try_at": now + pause, "error": error})


def restart_window(session: Session, look: ShopLook, now: datetime, pause: timedelta, error: str) -> bool:
    """The shop does not take the place any more: go on later, from the time that was reached."""
    window: dict[str, object] = {"cursor": None, "in_window": 0, "since": look.reached_at or look.since}
    return _update(session, look, window | {"next_try_at": now + pause, "error": error})


def read_look(session: Session, shop: str) -> ShopLook | None:
    """Return the last look, finished or not."""
    return session.scalar(select(ShopLook).where(ShopLook.shop == shop))


def _new_window(look: ShopLook, reached: datetime | None) -> dict[str, object]:
    """A window from the last customer on. Where one second holds more than a window, the rest of that second is passed over."""
    since = reached if reached is not None and reached > look.since else look.since + timedelta(seconds=1)
    return {"cursor": None, "in_window": 0, "since": since}


def _update(session: Session, look: ShopLook, values: dict[str, object]) -> bool:
    is_same: tuple[ColumnElement[bool], ...] = (
        ShopLook.shop == look.shop,
        ShopLook.started_at == look.started_at,
        ShopLook.since == look.since,
        ShopLook.cursor.is_not_distinct_from(look.cursor),
        ShopLook.finished_at.is_(None),
    )
    statement = update(ShopLook).where(*is_same).values(values).returning(ShopLook.shop)
    return session.scalar(statement, execution_options=NO_SYNC) is not None
