"""How long an estimate, a launch, its longest transaction and a page of contacts take: `python -m tests.benchmarks.audience_bench`.

Contacts are made with five tags each, nine in ten subscribed, some with a problem of every kind. With `--import N` a file of N
contacts is imported instead, once into an empty database and once again.
"""

import argparse
import json
import resource
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table
from sqlalchemy import make_url, select
from sqlalchemy.orm import Session

from jobs.campaigns.launch import BREATH_SECONDS, FIRST_SLICE, MIN_SLICE, SLICE_SECONDS
from jobs.core.runtime import Runtime
from jobs.imports.contacts import import_contacts
from models.audience.reach import estimate_reach
from models.billing.balance import reserve_amount
from models.billing.rate_cards import Price, save_card
from models.billing.spending import Spent, count_spent
from models.campaigns.end import end_campaign, release_slice
from models.campaigns.export import export_rows
from models.campaigns.launch import SLICE_SIZE, analyze_tables, begin_launch, launch_slice
from models.campaigns.stats import campaign_stats
from models.config import Settings
from models.crypto import new_encryption_key
from models.db.engine import Database
from models.tables.billing import Spending
from models.tables.campaign import Campaign, CampaignStatus
from models.tables.contact import Contact
from tests.support.factories.campaigns import make_campaign as make_campaign_row
from tests.support.factories.campaigns import make_number, make_template
from tests.support.factories.common import NOW
from tests.support.services import postgres_server_url, prepare_schema, temporary_directory

TAGS = ("vip", "customer_id", "city", "spring", "shop")
CITIES = ("Madrid", "Lisboa", "Paris", "Roma")
CONTACT_COLUMNS = (
    "id, phone, phone_problem, raw_phone, person_key, name, consent, undeliverable_count, marketing_stopped_at, "
    "has_identity, attributes, created_at, updated_at"
)


def contacts(number: int, stamp: Any) -> Iterator[tuple[Any, ...]]:
    """Rows for CONTACT_COLUMNS."""
    for key in range(1, number + 1):
        lacks_code = key % 211 == 0
        phone = None if lacks_code else f"+3460{key:08d}"
        yield (
            key,
            phone,
            "missing_calling_code" if lacks_code else None,
            f"60{key:08d}" if lacks_code else None,
            f"c:{key}" if lacks_code else f"wa:3460{key - (key % 503 == 0):08d}",  # some are second records
            f"Person {key}",
            "subscribed" if key % 10 else ("unsubscribed" if key % 20 else "unknown"),
            2 if key % 307 == 0 else 0,
            stamp if key % 401 == 0 else None,
            False,
            json.dumps({"shop": f"Shop {key % 50}"}) if key % 3 else "{}",
            stamp,
            stamp,
        )


def tags(number: int, stamp: Any) -> Iterator[tuple[Any, ...]]:
    """Five tags for each contact; some lack the value that the template needs."""
    for key in range(1, number + 1):
        yield key, 1, None, stamp
        yield key, 2, str(key) if key % 97 else None, stamp
        yield key, 3, CITIES[key % 4], stamp
        yield key, 4, None, stamp
        yield key, 5, "blocked" if key % 101 == 0 else "open", stamp


def fill(url: str, number: int) -> None:
    """Write the contacts with the driver's own bulk ways; a launch is measured, not this."""
    if url.startswith("sqlite"):
        stamp = NOW.replace(tzinfo=None).isoformat(" ") + ".000000"
        with sqlite3.connect(make_url(url).database or "") as connection:
            connection.execute("PRAGMA synchronous=OFF")
            for tag_id, name in enumerate(TAGS, 1):
                connection.execute("INSERT INTO tag VALUES (?, ?, '', ?)", (tag_id, name, stamp))
            marks = ", ".join("?" * 13)
            connection.executemany(f"INSERT INTO contact ({CONTACT_COLUMNS}) VALUES ({marks})", contacts(number, stamp))
            connection.executemany("INSERT INTO contact_tag VALUES (?, ?, ?, ?)", tags(number, stamp))
        connection.close()
        return
    with psycopg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)) as server:
        for tag_id, name in enumerate(TAGS, 1):
            server.execute("INSERT INTO tag VALUES (%s, %s, '', %s)", (tag_id, name, NOW))
        for statement, rows in (
            (f"COPY contact ({CONTACT_COLUMNS}) FROM STDIN", contacts(number, NOW)),
            ("COPY contact_tag (contact_id, tag_id, value, created_at) FROM STDIN", tags(number, NOW)),
        ):
            with server.cursor() as cursor, cursor.copy(statement) as copy:
                for row in rows:
                    copy.write_row(row)
        server.execute("SELECT setval('contact_id_seq', %s)", (number,))
        server.execute("ANALYZE")


def make_campaign(database: Database) -> Campaign:
    """One tag included, another's value excluded; variables from a tag and an attribute."""
    with database.write() as session:
        number = make_number(session)
        body = {"type": "BODY", "text": "Hello {{1}}, your number is {{2}}, see you at {{3}} soon."}
        return make_campaign_row(
            session,
            number,
            make_template(session, number, components=[body]),
            status=CampaignStatus.ACTIVE,
            audience={"include": [{"tag": "vip"}], "exclude": [{"tag": "shop", "value": "blocked"}]},
            variables={
                "body": {
                    "1": {"source": "first_name", "fallback": "friend"},
                    "2": {"source": "tag", "tag": "customer_id"},
                    "3": {"source": "attribute", "attribute": "shop", "fallback": "our shop"},
                }
            },
        )


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, and what came of it."""
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def in_slices(database: Database, work: Callable[[Any, int], bool]) -> tuple[int, float]:
    """Slices as the job makes them: how many, and the longest transaction."""
    size, count, longest, has_more = FIRST_SLICE, 0, 0.0, True
    while has_more:
        with database.write() as session:
            began = time.perf_counter()
            has_more = work(session, size)
        took = time.perf_counter() - began
        count, longest = count + 1, max(longest, took)
        size = min(SLICE_SIZE, max(MIN_SLICE, int(size * min(2.0, SLICE_SECONDS / max(took, 0.001)))))
        time.sleep(BREATH_SECONDS)
    return count, longest


def export_all(database: Database, campaign_id: int) -> int:
    """Every page of the export."""
    after_id = total = 0
    while True:
        with database.read() as session:
            page = export_rows(session, campaign_id, after_id)
        if not page:
            return total
        after_id, total = page[-1].id, total + len(page)


def contact_page(database: Database) -> int:
    """A page of the contact list, half-way in, by its keyset."""
    with database.read() as session:
        query = select(Contact).where(Contact.merged_into_id.is_(None)).order_by(Contact.id.desc()).limit(50)
        return len(session.scalars(query).all())


def measure(url: str, number: int) -> dict[str, str]:
    """One column of the table."""
    prepare_schema(url)
    fill(url, number)
    database = Database(url)
    campaign = make_campaign(database)
    with database.write() as session:
        prices = [Price("ES", "marketing", NOW.date(), 50_000)]
        save_card(session, "EUR", prices, source="bench", now=NOW, actor="bench")

    def estimate() -> Any:
        with database.read() as session:
            return estimate_reach(session, session.get_one(Campaign, campaign.id), NOW)

    def stats() -> dict[str, Any]:
        with database.read() as session:
            return campaign_stats(session, campaign.id)

    def cost() -> Spent:
        with database.read() as session:
            return count_spent(session, session.get_one(Spending, campaign.id), None, NOW)

    def end(session: Any, size: int) -> bool:
        first = session.get_one(Campaign, campaign.id).status is not CampaignStatus.ENDED
        return end_campaign(session, campaign.id, NOW) if first else release_slice(session, campaign.id, size)

    cold, _ = timed(estimate)
    warm, reach = timed(estimate)
    with database.write() as session:
        reserve_amount(session, campaign.id, reach.areas or {}, NOW)
        token = begin_launch(session, campaign.id, NOW) or ""
    launch, (slices, longest) = timed(
        lambda: in_slices(database, lambda session, size: launch_slice(session, campaign.id, token, NOW, size))
    )
    with database.write() as session:
        analyze_tables(session)
    counting, found = timed(stats)
    pricing, spent = timed(cost)
    if spent.reserved != reach.eligible * 50_000:
        raise SystemExit(f"{reach.eligible} people cost {spent}")
    if found["eligible"] != reach.eligible or found["not_sent"] != reach.not_sent or not found["eligible"]:
        raise SystemExit(f"the launch and the estimate disagree: {found} and {reach}")
    page, _ = timed(lambda: contact_page(database))
    export, exported = timed(lambda: export_all(database, campaign.id))
    ending, (_, longest_end) = timed(lambda: in_slices(database, end))
    database.dispose()
    if exported != found["candidates"]:
        raise SystemExit(f"the export has {exported} rows of {found['candidates']}")
    return {
        "candidates": str(found["candidates"]),
        "eligible": str(found["eligible"]),
        "estimate, first / again": f"{cold:.2f} / {warm:.2f} s",
        "launch": f"{launch:.2f} s",
        "slices, longest transaction": f"{slices}, {longest:.3f} s",
        "statistics": f"{counting * 1000:.0f} ms",
        "what it cost": f"{pricing:.2f} s",
        "page of contacts": f"{page * 1000:.0f} ms",
        "export": f"{export:.2f} s",
        "end, longest transaction": f"{ending:.2f} s, {longest_end:.3f} s",
        "memory, highest": f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB",
    }


def write_file(path: Path, number: int) -> None:
    """Contacts as a shop exports them: a name, a language, consent with its source, five tags, an attribute."""
    with path.open("w", encoding="utf-8") as file:
        file.write("phone,name,language,consent,consent_source,tags,shop\n")
        for key in range(number):
            tags = f"vip;customer_id={key};city={CITIES[key % 4]};spring;shop=open"
            consent = "subscribed,web form" if key % 10 else "unknown,"
            file.write(f"+3460{key:08d},Person {key},es,{consent},{tags},Shop {key % 50}\n")


class Timed(Database):
    """A database that knows how long its longest write transaction was, with its commit."""

    longest = 0.0

    @contextmanager
    def write(self) -> Iterator[Session]:
        """The same, and timed."""
        began = time.perf_counter()
        with super().write() as session:
            yield session
        self.longest = max(self.longest, time.perf_counter() - began)


def measure_import(url: str, number: int) -> dict[str, str]:
    """One column of the import's table."""
    prepare_schema(url)
    with temporary_directory() as directory:
        path = directory / "people.csv"
        write_file(path, number)
        rt = Runtime(Settings(url, None, directory, encryption_keys=(new_encryption_key(),)))
        rt.database = database = Timed(url)
        dry, _ = timed(lambda: import_contacts(rt, path, dry_run=True))
        first, result = timed(lambda: import_contacts(rt, path))
        longest = database.longest
        again, unchanged = timed(lambda: import_contacts(rt, path))
        rt.close()
    if (result.created, unchanged.unchanged) != (number, number):
        raise SystemExit(f"of {number} rows {result.created} were created and {unchanged.unchanged} unchanged")
    return {
        "import": f"{first:.1f} s",
        "rows a second": f"{number / first:.0f}",
        "seconds for 100,000": f"{first / number * 100_000:.1f} s",
        "longest write transaction": f"{longest:.3f} s",
        "dry run before it": f"{dry:.1f} s",
        "the same file again": f"{again:.1f} s",
        "memory, highest": f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB",
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--database", choices=("sqlite", "postgresql"), nargs="+", default=["sqlite"])
    parser.add_argument("--import", type=int, nargs="+", dest="rows", help="Import files of so many contacts instead.")
    given = parser.parse_args()
    measured = measure_import if given.rows else measure
    columns: dict[str, dict[str, str]] = {}
    with temporary_directory() as directory:
        for kind in given.database:
            for number in given.rows or given.contacts:
                if kind == "sqlite":
                    url = f"sqlite:///{Path(directory) / f'bench{number}.db'}"
                    columns[f"{kind} {number:,}"] = measured(url, number)
                else:
                    with postgres_server_url(is_durable=True) as server:
                        columns[f"{kind} {number:,}"] = _on_server(server, number, measured)
    table = Table("", *columns)
    for line in next(iter(columns.values())):
        table.add_row(line, *(column[line] for column in columns.values()))
    Console(width=120).print(table)


def _on_server(server: str, number: int, measured: Callable[[str, int], dict[str, str]]) -> dict[str, str]:
    """In a database of its own, dropped afterwards."""
    name = f"hark_bench_{number}"
    plain = make_url(server).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
        url = make_url(server).set(drivername="postgresql+psycopg", database=name)
        try:
            return measured(url.render_as_string(hide_password=False), number)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


if __name__ == "__main__":
    main()
