"""Reading the catalogs at Meta: pages, turns, what is cut short, what Meta refuses."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from bot.meta import catalogs as meta_catalogs
from bot.meta.management import GraphError
from bot.sandbox.catalogs import SandboxCatalog
from bot.sandbox.seed import CATALOG_ID
from jobs.core.shutdown import SHUTDOWN
from jobs.core.wake_ups import SYNC_CATALOGS
from jobs.maintenance import catalog_sync
from jobs.maintenance.catalog_sync import CatalogsUnreadError, read_catalogs, sync_catalogs, wake_catalogs
from models.clock import utcnow
from models.stored_texts import show_stored
from models.tables.catalog import Catalog, Product
from models.tables.number import Waba
from tests.support.cli_app import Shell

pytestmark = [pytest.mark.usefixtures("number_added"), pytest.mark.sqlite_unless_proved]


def _catalog_at_meta(shell: Shell) -> SandboxCatalog:
    return shell.meta.sim.world.catalogs.by_id[CATALOG_ID]


def _account(shell: Shell) -> Waba:
    with shell.rt.database.read() as session:
        return session.scalars(select(Waba)).one()


def _stored(shell: Shell) -> Catalog:
    with shell.rt.database.read() as session:
        return session.scalars(select(Catalog)).one()


def _count(shell: Shell, *conditions: object) -> int:
    with shell.rt.database.read() as session:
        return session.scalar(select(func.count()).select_from(Product).where(*conditions)) or 0  # type: ignore[arg-type]


def _read(shell: Shell, hours: int = 0) -> catalog_sync.CatalogSyncResult:
    return read_catalogs(shell.rt, _account(shell).id, utcnow() + timedelta(hours=hours))


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meta_catalogs, "PAGE_SIZE", 5)


@pytest.mark.usefixtures("small_pages")
def test_all_pages_are_stored_and_what_changes_is_followed(shell: Shell) -> None:
    assert _read(shell).to_json() == {"catalogs": 1, "products": 24, "created": 24, "gone": 0, "skipped": 0}
    theirs = _catalog_at_meta(shell)
    theirs.remove("SKU-3")
    theirs.put("SKU-4", {"price": "1.290 €", "availability": "out of stock"})
    theirs.put("x" * 101, {})
    assert _read(shell, 1).to_json() == {"catalogs": 1, "products": 24, "created": 0, "gone": 1, "skipped": 1}
    with shell.rt.database.read() as session:
        changed = session.scalars(select(Product).where(Product.retailer_id == "SKU-4")).one()
    assert (changed.price, changed.price_text, changed.availability) == (None, "1.290 €", "out of stock")
    assert _count(shell, Product.gone_at.is_not(None)) == 1
    assert _stored(shell).error is None


@pytest.mark.usefixtures("small_pages")
def test_a_reading_that_is_cut_makes_nothing_gone(shell: Shell) -> None:
    _read(shell)
    theirs = _catalog_at_meta(shell)
    theirs.remove("SKU-1")
    pages: list[int] = []

    def cut(count: int) -> None:
        pages.append(count)
        if len(pages) == 2:
            shell.meta.configure(catalog_permission=False)

    with pytest.raises(GraphError, match="does not exist"):
        read_catalogs(shell.rt, _account(shell).id, utcnow() + timedelta(hours=1), on_page=cut)
    assert pages == [5, 10]
    assert _count(shell, Product.gone_at.is_not(None)) == 0
    assert "does not exist" in show_stored(_stored(shell).error)
    shell.meta.configure(catalog_permission=True)
    assert _read(shell, 2).gone == 1
    assert _stored(shell).error is None


def test_a_token_without_the_permission_leaves_what_is_known(shell: Shell) -> None:
    _read(shell)
    shell.meta.configure(catalog_permission=False)
    with pytest.raises(CatalogsUnreadError, match="catalog_management"):
        _read(shell)
    assert "catalog_management" in show_stored(_account(shell).catalogs_error)
    assert _stored(shell).is_linked
    shell.meta.configure(catalog_permission=True)
    _read(shell)
    assert _account(shell).catalogs_error is None


def test_a_catalog_that_is_linked_no_more_is_known_as_such(shell: Shell) -> None:
    _read(shell)
    shell.meta.call(lambda: shell.meta.sim.world.catalogs.link(_account(shell).waba_id, CATALOG_ID, is_linked=False))
    assert _read(shell).catalogs == 0
    assert not _stored(shell).is_linked


def test_a_larger_catalog_than_allowed_is_refused_and_nothing_is_gone(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    _read(shell)
    _catalog_at_meta(shell).remove("SKU-1")
    monkeypatch.setattr(meta_catalogs, "MAX_PRODUCTS", 20)
    with pytest.raises(GraphError, match="more than 20 products: Hark reads at most so many"):
        _read(shell, 1)
    assert _count(shell, Product.gone_at.is_not(None)) == 0


@pytest.mark.usefixtures("small_pages")
def test_a_job_reads_in_turns_and_the_next_one_goes_on_behind(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog_sync, "TURN_SECONDS", 0.0)
    pk = _account(shell).id
    counts: list[int] = []
    while not counts or _stored(shell).synced_at is None:
        sync_catalogs(pk)
        counts.append(_count(shell))
        is_last = _stored(shell).synced_at is not None
        assert SYNC_CATALOGS.enqueue(shell.rt.redis, pk) is is_last  # each turn but the last asked for another
    assert counts == [5, 10, 15, 20, 24, 24]
    assert _stored(shell).reading_since is None


@pytest.mark.usefixtures("small_pages")
def test_a_reading_that_a_process_left_is_gone_on_with(shell: Shell) -> None:
    pk = _account(shell).id
    now = utcnow()
    _read(shell)
    with shell.rt.database.write() as session:
        session.execute(update(Catalog).values(reading_since=now, reading_after=None, synced_at=None))
    assert wake_catalogs(shell.rt, now) == 1
    read_catalogs(shell.rt, pk, now + timedelta(minutes=5), seconds=60)
    assert _stored(shell).synced_at == now
    assert wake_catalogs(shell.rt, now + timedelta(minutes=5)) == 0


def test_catalogs_are_read_again_every_six_hours(shell: Shell) -> None:
    _read(shell)
    now = utcnow()
    assert wake_catalogs(shell.rt, now) == 0
    assert wake_catalogs(shell.rt, now + timedelta(hours=7)) == 1


def test_a_process_that_stops_leaves_the_reading(shell: Shell) -> None:
    SHUTDOWN.set()
    try:
        with pytest.raises(GraphError, match="stopped before its end"):
            _read(shell)
    finally:
        SHUTDOWN.clear()
    assert _count(shell) == 0


@pytest.mark.parametrize("seconds", [None, 60])
def test_a_reading_of_a_clock_that_was_ahead_does_not_hold_up_later_ones(shell: Shell, seconds: int | None) -> None:
    _read(shell, 24 * 365)
    _catalog_at_meta(shell).remove("SKU-1")
    _catalog_at_meta(shell).put("SKU-2", {"name": "Changed"})
    assert read_catalogs(shell.rt, _account(shell).id, utcnow(), seconds=seconds).gone == 1
    assert _count(shell, Product.name == "Changed") == 1
