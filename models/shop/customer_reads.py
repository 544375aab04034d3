"""Keeps which customers have to be read at the shop. A request survives a crash, and goes when a later reading is done."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from models.db.dialect import NO_SYNC, insert_into
from models.tables.shop import ShopCustomerRead

MAX_TRIES = 10
FIRST_PAUSE = timedelta(seconds=30)


def request_read(session: Session, customer_id: str, now: datetime) -> None:
    """Have the customer read soon. Twice is once; a request during a reading makes another one."""
    statement = insert_into(session, ShopCustomerRead).values(
        customer_id=customer_id, asked_at=now, tries=0, next_try_at=now
    )
    again = {"asked_at": now, "tries": 0, "next_try_at": now}
    session.execute(statement.on_conflict_do_update(index_elements=["customer_id"], set_=again))


def due_reads(session: Session, now: datetime, limit: int) -> list[ShopCustomerRead]:
    """Return the requests that are due, the longest waiting first."""
    query = select(ShopCustomerRead).where(ShopCustomerRead.next_try_at <= now)
    return list(session.scalars(query.order_by(ShopCustomerRead.next_try_at).limit(limit)))


def has_due_reads(session: Session, now: datetime) -> bool:
    """Whether a request is due."""
    return bool(session.scalar(select(exists().where(ShopCustomerRead.next_try_at <= now))))


def settle_read(session: Session, customer_id: str, asked_at: datetime) -> None:
    """The customer was read, upon the request of `asked_at`; a later request stays."""
    session.execute(
        delete(ShopCustomerRead).where(
            ShopCustomerRead.customer_id == customer_id, ShopCustomerRead.asked_at == asked_at
        ),
        execution_options=NO_SYNC,
    )


def postpone_reads(session: Session, rows: Sequence[ShopCustomerRead], now: datetime) -> None:
    """They could not be read: try again later, each time after twice as long. The daily look finds whom this gives up."""
    for row in rows:
        is_theirs = (ShopCustomerRead.customer_id == row.customer_id) & (ShopCustomerRead.asked_at == row.asked_at)
        if row.tries + 1 >= MAX_TRIES:
            session.execute(delete(ShopCustomerRead).where(is_theirs), execution_options=NO_SYNC)
            continue
        values = {"tries": row.tries + 1, "next_try_at": now + FIRST_PAUSE * 2**row.tries}
        session.execute(update(ShopCustomerRead).where(is_theirs).values(values), execution_options=NO_SYNC)


def drop_reads(session: Session, customer_ids: Collection[str]) -> None:
    """The shop has these customers no more."""
    session.execute(
        delete(ShopCustomerRead).where(ShopCustomerRead.customer_id.in_(customer_ids)), execution_options=NO_SYNC
    )
