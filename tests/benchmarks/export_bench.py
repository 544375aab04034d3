"""How long exports take and how much memory they need: `python -m tests.benchmarks.export_bench [--people N …]`.

A campaign of N people on SQLite is exported as CSV and as XLSX, and its readers are put on a list; each in a process of its own,
whose peak is that of its own memory.
"""

import argparse
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from admin.operations.exports.campaign import write_export
from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.config import Settings
from models.crypto import new_encryption_key
from models.follow_up.list_fill import begin_fill, fill_slice
from models.segments.campaign_people import CampaignFigure, PeopleChoice
from models.tables.campaign import CampaignStatus
from tests.support.factories.campaigns import make_campaign
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_list
from tests.support.services import prepare_schema, temporary_directory

NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :people)"
PEOPLE = f"""{NUMBERS} INSERT INTO contact (id, phone, person_key, name, consent, undeliverable_count, has_identity, attributes,
created_at, updated_at) SELECT i, '+3460' || printf('%08d', i), 'wa:3460' || printf('%08d', i), 'Person ' || i, 'subscribed', 0, 0,
'{{}}', :at, :at FROM n"""
ROWS = f"""{NUMBERS} INSERT INTO recipient (campaign_id, contact_id, person_key, state, attempts, failures, queued_at, claimed_at,
accepted_at, sent_at, delivered_at, read_at, wamid) SELECT 1, i, 'wa:3460' || printf('%08d', i), 'accepted', 1, 0, :at, :at,
:at, :at, :at, CASE WHEN i % 2 THEN :at END, 'wamid.HBgLMzQ2MDAwMDAwMDAVAgARGBI5QTNDQTVC' || i FROM n"""


def main() -> None:
    """Print a row for each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, nargs="*", default=[10_000, 100_000])
    table = Table("people", "CSV", "peak", "XLSX", "peak", "size", "on a list", "peak")
    for people in parser.parse_args().people:
        table.add_row(f"{people:,}", *measured(people))
    Console(width=120).print(table)


def measured(people: int) -> list[str]:
    """The cells of a row."""
    with temporary_directory() as directory:
        url = f"sqlite:///{directory / 'hark.db'}"
        prepare_schema(url)
        key = (new_encryption_key(),)

        def installation() -> Runtime:
            return Runtime(Settings(url, None, directory, encryption_keys=key))

        _fill(installation(), people)
        xlsx = directory / "export.xlsx"
        csv_cells = _in_a_process(lambda: _export(installation(), directory / "export.csv", people))
        xlsx_cells = _in_a_process(lambda: _export(installation(), xlsx, people))
        size = f"{xlsx.stat().st_size / 1e6:.1f} MB"
        return [*csv_cells, *xlsx_cells, size, *_in_a_process(lambda: _put_on_list(installation()))]


def _fill(rt: Runtime, people: int) -> None:
    with rt.database.write() as session:
        make_campaign(session, status=CampaignStatus.ENDED, launched_at=NOW)
        make_list(session, "Readers")
    with rt.database.write() as session:
        values = {"people": people, "at": "2026-11-22 10:00:00.000000"}
        session.execute(text(PEOPLE), values)
        session.execute(text(ROWS), values)
    rt.close()


def _export(rt: Runtime, path: Path, people: int) -> None:
    if write_export(rt, 1, path, "bench") != people:
        raise SystemExit("not everybody is in the export")


def _put_on_list(rt: Runtime) -> None:
    with rt.database.write() as session:
        fill_id = begin_fill(session, 1, 1, PeopleChoice((CampaignFigure.READ,)), "bench", utcnow()).id
    is_more = True
    while is_more:
        with rt.database.write() as session:
            is_more = fill_slice(session, fill_id, utcnow())


def _in_a_process(work: Callable[[], None]) -> list[str]:
    """Run it in a process of its own; returns seconds and megabytes, as text."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        began = time.monotonic()
        work()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        os.write(writing, f"{time.monotonic() - began:.1f} s|{peak:.0f} MB".encode())
        os._exit(0)
    os.close(writing)
    _, status = os.waitpid(child, 0)
    if status:
        raise SystemExit("the measured process failed")
    return os.read(reading, 200).decode().split("|")


if __name__ == "__main__":
    main()
