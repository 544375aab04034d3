"""Reads the catalogs of our accounts and their products from Meta, page by page, each page in a transaction of its own.

A job reads for some seconds and then lets others have the worker; the next turn goes on behind the last page. A reading that is cut
short makes no product gone.
"""

import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update

from bot.meta.catalogs import account_catalogs, catalog_products
from bot.meta.management import GraphAdmin, GraphError
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime, runtime
from jobs.core.shutdown import SHUTDOWN
from jobs.core.wake_ups import SYNC_CATALOGS
from jobs.maintenance.meta_sync import management_client
from jobs.maintenance.sync_counts import SyncCounts
from models.catalog.reading import begin_readings, end_reading, is_reading, keep_place, start_of_reading
from models.catalog.store import finish_reading, put_catalogs, put_products
from models.clock import utcnow
from models.db.dialect import NO_SYNC
from models.stored_texts import CATALOG_FAILED
from models.tables.catalog import Catalog
from models.tables.number import Number, Waba

log = logging.getLogger("hark.sync")

MAX_AGE = timedelta(hours=6)
TURN_SECONDS = 15.0
OnPage = Callable[[int], None]


class CatalogsUnreadError(GraphError):
    """Meta did not list the catalogs of an account."""


@dataclass
class CatalogSyncResult(SyncCounts):
    """How many catalogs and products Meta lists, how many are new here, how many are gone, and how many have no usable SKU."""

    catalogs: int = 0
    products: int = 0
    created: int = 0
    gone: int = 0
    skipped: int = 0


def sync_catalogs(waba_pk: int) -> None:
    """The job: reads the catalogs of an account for a turn. What Meta refuses stands in the rows; the next round tries again."""
    rt = runtime()
    SYNC_CATALOGS.started(rt.redis, waba_pk)
    try:
        read_catalogs(rt, waba_pk, utcnow(), seconds=TURN_SECONDS)
    except CatalogsUnreadError as error:
        log.warning("account %s: %s", waba_pk, error)
        return
    except GraphError as error:
        log.warning("catalogs of account %s: %s", waba_pk, error)
    with rt.database.read() as session:
        goes_on = is_reading(session, waba_pk)
    if goes_on and not SHUTDOWN.is_set():
        SYNC_CATALOGS.enqueue(rt.redis, waba_pk)


def read_catalogs(
    rt: Runtime, waba_pk: int, now: datetime, *, seconds: float | None = None, on_page: OnPage | None = None
) -> CatalogSyncResult:
    """Store the catalogs that Meta links to an account, and their products. `on_page` is given how many were read so far.

    With `seconds` it is a turn of a reading: it begins one, or goes on with one that was interrupted. Raises CatalogsUnreadError
    if Meta does not list the catalogs, GraphError if it refuses one of them, after the others were read, and LookupError if the
    account has no number.
    """
    with rt.database.read() as session:
        number = session.scalars(select(Number).where(Number.waba_id == waba_pk).order_by(Number.id)).first()
        if number is None:
            raise LookupError(f"account {waba_pk} has no number")
        waba_id = number.waba.waba_id
    reading = _Reading(rt, now, None if seconds is None else time.monotonic() + seconds, on_page)
    failures = []
    with management_client(rt, number) as graph:
        try:
            listed = account_catalogs(graph, waba_id)
        except GraphError as error:
            _note_account(rt, waba_pk, error)
            raise CatalogsUnreadError(
                "Meta does not list the account's catalogs: {error}. The token needs the permission catalog_management.",
                error=error,
                code=error.code,
                is_transient=error.is_transient,
            ) from error
        catalogs = _store_catalogs(rt, waba_pk, listed, now)
        reading.result.catalogs = len(catalogs)
        for catalog_pk, place in reading.places(catalogs).items():
            try:
                reading.read(graph, catalog_pk, catalogs[catalog_pk], *place)
            except GraphError as error:
                failures.append(error)
    if failures:
        raise failures[0]
    return reading.result


def wake_catalogs(rt: Runtime, now: datetime) -> int:
    """Enqueue a reading of every account whose catalogs, or products, were read too long ago; returns how many."""
    is_old = or_(Catalog.synced_at.is_(None), Catalog.synced_at < now - MAX_AGE)
    with rt.database.read() as session:
        accounts = session.scalars(
            select(Waba.id).where(
                Waba.id.in_(select(Number.waba_id)),
                or_(
                    Waba.catalogs_read_at.is_(None),
                    Waba.catalogs_read_at < now - MAX_AGE,
                    Waba.id.in_(select(Catalog.waba_id).where(Catalog.is_linked.is_(True), is_old)),
                ),
            )
        ).all()
    return sum(SYNC_CATALOGS.enqueue(rt.redis, pk) for pk in accounts)


class _Reading:
    """One call of `read_catalogs`: a turn until `deadline` (monotonic seconds), of a page at least; None: the whole reading."""

    def __init__(self, rt: Runtime, now: datetime, deadline: float | None, on_page: OnPage | None) -> None:
        self._rt, self._now, self._deadline, self._on_page = rt, now, deadline, on_page
        self._has_read_a_page = False
        self.result = CatalogSyncResult()

    def places(self, catalogs: Collection[int]) -> dict[int, tuple[datetime, str | None, int]]:
        """Where the readings begin or go on: their beginning, Meta's cursor, and how many products were read."""
        if self._deadline is None:
            with self._rt.database.read() as session:
                rows = session.scalars(select(Catalog).where(Catalog.id.in_(catalogs))).all()
            return {catalog.id: (start_of_reading(catalog, self._now), None, 0) for catalog in rows}
        return _begin(self._rt, catalogs, self._now)

    def read(
        self, graph: GraphAdmin, catalog_pk: int, catalog_id: str, since: datetime, after: str | None, count: int
    ) -> None:
        """Read the products of a catalog. Raises GraphError if Meta refuses; it stands in the catalog's row then."""
        if self._is_over() and self._has_read_a_page:
            return
        try:
            for page, cursor in catalog_products(graph, catalog_id, after, count):
                self._take(catalog_pk, page, since, cursor)
                if cursor is not None and self._is_over():
                    return
        except GraphError as error:
            _fail(self._rt, catalog_pk, since, error)
            raise
        self.result.gone += _finish(self._rt, catalog_pk, since)

    def _take(self, catalog_pk: int, page: list[dict[str, Any]], since: datetime, cursor: str | None) -> None:
        if SHUTDOWN.is_set() and (self._deadline is None or cursor is None):
            raise GraphError("the reading was stopped before its end", is_transient=True)
        created, skipped = _store_page(self._rt, catalog_pk, page, since, cursor)
        self._has_read_a_page = True
        self.result.products += len(page)
        self.result.created += created
        self.result.skipped += skipped
        if self._on_page is not None:
            self._on_page(self.result.products)

    def _is_over(self) -> bool:
        return self._deadline is not None and (time.monotonic() >= self._deadline or SHUTDOWN.is_set())


@retry_conflicts
def _store_catalogs(rt: Runtime, waba_pk: int, listed: list[dict[str, Any]], now: datetime) -> dict[int, str]:
    with rt.database.write() as session:
        keys = put_catalogs(session, waba_pk, listed, now)
        session.execute(
            update(Waba).where(Waba.id == waba_pk).values(catalogs_read_at=now, catalogs_error=None),
            execution_options=NO_SYNC,
        )
    return keys


@retry_conflicts
def _begin(rt: Runtime, catalogs: Collection[int], now: datetime) -> dict[int, tuple[datetime, str | None, int]]:
    with rt.database.write() as session:
        return begin_readings(session, catalogs, now)


@retry_conflicts
def _store_page(
    rt: Runtime, catalog_pk: int, page: list[dict[str, Any]], since: datetime, cursor: str | None
) -> tuple[int, int]:
    with rt.database.write() as session:
        keep_place(session, catalog_pk, since, cursor)
        return put_products(session, catalog_pk, page, since)


@retry_conflicts
def _finish(rt: Runtime, catalog_pk: int, since: datetime) -> int:
    with rt.database.write() as session:
        end_reading(session, catalog_pk, since)
        return finish_reading(session, catalog_pk, since)


@retry_conflicts
def _fail(rt: Runtime, catalog_pk: int, since: datetime, error: GraphError) -> None:
    with rt.database.write() as session:
        end_reading(session, catalog_pk, since, CATALOG_FAILED(why=error).stored())


@retry_conflicts
def _note_account(rt: Runtime, waba_pk: int, error: GraphError) -> None:
    with rt.database.write() as session:
        session.get_one(Waba, waba_pk).catalogs_error = CATALOG_FAILED(why=error).stored()
