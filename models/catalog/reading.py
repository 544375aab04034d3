"""Keeps where a reading of a catalog stands that a job does in turns, so that the next turn goes on behind the last page."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models.db.dialect import NO_SYNC
from models.tables.catalog import Catalog, Product

LONGEST = timedelta(hours=6)
"""An interrupted reading that began longer ago begins again: Meta's cursors do not live for ever."""


def begin_readings(
    session: Session, catalog_pks: Collection[int], now: datetime
) -> dict[int, tuple[datetime, str | None, int]]:
    """Go on with the readings of these catalogs that are under way, or begin all of them if none is.

    By catalog: the beginning of the reading, the cursor to go on behind (None: from the start), and how many it has read.
    """
    query = select(Catalog).where(Catalog.id.in_(catalog_pks)).order_by(Catalog.id).with_for_update()
    catalogs = session.scalars(query).all()
    under_way = [catalog for catalog in catalogs if _is_under_way(catalog, now)]
    if not under_way:
        for catalog in catalogs:
            catalog.reading_since, catalog.reading_after = start_of_reading(catalog, now), None
    return {catalog.id: _place(session, catalog, now) for catalog in under_way or catalogs}


def start_of_reading(catalog: Catalog, now: datetime) -> datetime:
    """The beginning of a reading that begins now: later than the last one, also where a clock was wrong then."""
    if catalog.synced_at is None or catalog.synced_at < now:
        return now
    return catalog.synced_at + timedelta(milliseconds=1)


def is_reading(session: Session, waba_pk: int) -> bool:
    """Whether a reading of a catalog of the account is not at its end."""
    query = select(Catalog.id).where(
        Catalog.waba_id == waba_pk, Catalog.is_linked.is_(True), Catalog.reading_since.is_not(None)
    )
    return session.execute(query.limit(1)).first() is not None


def _is_under_way(catalog: Catalog, now: datetime) -> bool:
    return catalog.reading_since is not None and now - LONGEST < catalog.reading_since


def _place(session: Session, catalog: Catalog, now: datetime) -> tuple[datetime, str | None, int]:
    since = catalog.reading_since or now
    if catalog.reading_after is None:
        return since, None, 0
    query = select(func.count()).where(Product.catalog_id == catalog.id, Product.seen_at >= since)
    return since, catalog.reading_after, session.scalar(query) or 0


def keep_place(session: Session, catalog_pk: int, since: datetime, after: str | None) -> None:
    """Note the cursor behind the page that this transaction stores, unless another reading has begun meanwhile."""
    session.execute(
        update(Catalog).where(Catalog.id == catalog_pk, Catalog.reading_since == since).values(reading_after=after),
        execution_options=NO_SYNC,
    )


def end_reading(session: Session, catalog_pk: int, since: datetime, error: str | None = None) -> None:
    """Note that a reading is over, whole or cut short by `error` (a stored text): the next one begins from the start."""
    session.execute(
        update(Catalog)
        .where(Catalog.id == catalog_pk, Catalog.reading_since == since)
        .values(reading_since=None, reading_after=None),
        execution_options=NO_SYNC,
    )
    if error is not None:
        session.execute(update(Catalog).where(Catalog.id == catalog_pk).values(error=error), execution_options=NO_SYNC)
