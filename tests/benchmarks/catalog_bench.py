"""How long a reading and searches of a catalog of 100,000 products take: `python -m tests.benchmarks.catalog_bench`."""

import argparse
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.support import services

services.forget_inherited_settings()

from bot.sandbox.catalogs import SandboxCatalog  # noqa: E402
from models.catalog.lookup import products_by_sku  # noqa: E402
from models.catalog.search import search_products  # noqa: E402
from models.catalog.store import finish_reading, put_catalogs, put_products  # noqa: E402
from models.clock import utcnow  # noqa: E402
from models.db.engine import Database  # noqa: E402
from tests.support.factories.campaigns import make_number  # noqa: E402

PAGE = 200
QUERIES = ("SKU-7777", "sku-77", "blue lamp", "chair 99", "a", "nothing of it")


def timed(action: Callable[[], Any], times: int = 5) -> float:
    """Median milliseconds."""
    spans = []
    for _ in range(times):
        begun = time.perf_counter()
        action()
        spans.append(time.perf_counter() - begun)
    return median(spans) * 1000


def read(database: Database, key: int, catalog: SandboxCatalog, hours: int) -> tuple[float, float]:
    """Seconds of a whole reading, and milliseconds of its longest transaction."""
    seen_at, longest, begun = utcnow() + timedelta(hours=hours), 0.0, time.perf_counter()
    place: int | None = 0
    while place is not None:
        page, place = catalog.page(place, PAGE)
        page_begun = time.perf_counter()
        with database.write() as session:
            put_products(session, key, page, seen_at)
        longest = max(longest, time.perf_counter() - page_begun)
    with database.write() as session:
        finish_reading(session, key, seen_at)
    return time.perf_counter() - begun, longest * 1000


def measure(url: str, count: int) -> list[tuple[str, str]]:
    """What was measured, and how long it took."""
    database, catalog = Database(url), SandboxCatalog("400", "large", seeded=count)
    with database.write() as session:
        number = make_number(session)
        waba_pk = number.waba_id
        (key,) = put_catalogs(session, waba_pk, [{"id": "400"}], utcnow())
    rows = []
    for name, hours in (("first reading", 0), ("reading again", 1)):
        seconds, longest = read(database, key, catalog, hours)
        rows.append((name, f"{seconds:.1f} s, longest transaction {longest:.0f} ms"))
    with database.read() as session:
        for query in QUERIES:
            taken = timed(lambda query=query: search_products(session, [key], query))  # type: ignore[misc]
            rows.append((f"search {query!r}", f"{taken:.0f} ms"))
        skus = [f"SKU-{number}" for number in range(1, 31)]
        rows.append(("30 products by SKU", f"{timed(lambda: products_by_sku(session, waba_pk, skus)):.0f} ms"))
    database.dispose()
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=100_000)
    count = parser.parse_args().products
    table = Table("", "SQLite", "PostgreSQL", title=f"{count:,} products")
    with services.temporary_directory() as directory, services.postgres_server_url() as postgres:
        sqlite = services.SqliteTemplate(Path(directory) / "template.db").copy_to(Path(directory) / "hark.db")
        results = [measure(url, count) for url in (sqlite, services.PostgresTemplate(postgres).clone())]
    for (name, on_sqlite), (_, on_postgres) in zip(*results, strict=True):
        table.add_row(name, on_sqlite, on_postgres)
    Console().print(table)


if __name__ == "__main__":
    main()
