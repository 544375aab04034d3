"""What results cost: `python -m tests.benchmarks.results_bench [--people N] [--campaigns N] [--database KIND …]`.

Of a campaign of so many recipients: its statistics by counting the rows and by the stored sums, the recount of one block, and a
thousand changed rows with and without the triggers that mark blocks. Of so many campaigns: the page of trends.
"""

import argparse
import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from jobs.core.runtime import Runtime
from jobs.results.recount import recount_changed
from models.campaigns.stats import stats_of
from models.clock import utcnow
from models.config import Settings
from models.crypto import new_encryption_key
from models.db.migrate import upgrade_schema
from models.results.blocks import recount_block
from models.results.stored import stored_figures
from models.results.trends import TrendFilter, read_trends
from models.tables.campaign import CampaignStatus, CampaignType
from models.tables.contact import Contact
from models.tables.result import ResultHour
from tests.support import services
from tests.support.factories.campaigns import make_campaign, make_number, make_template

NOW = utcnow()
SLICE = 20_000
ROUNDS = 5


@contextlib.contextmanager
def installation(kind: str, directory: Path) -> Iterator[Runtime]:
    with contextlib.ExitStack() as stack:
        if kind == "sqlite":
            url = f"sqlite:///{directory / 'results.db'}"
        else:
            url = stack.enter_context(services.postgres_server_url(is_durable=True))
        upgrade_schema(url)
        rt = Runtime(Settings(url, None, directory, encryption_keys=(new_encryption_key(),)))
        yield rt
        rt.close()


def fill(rt: Runtime, people: int) -> int:
    """A campaign of so many people in all states; its id."""
    with rt.database.write() as session:
        campaign = make_campaign(session, status=CampaignStatus.ACTIVE, now=NOW - timedelta(days=2))
        contact = Contact(phone="+34600000001", person_key="p", created_at=NOW, updated_at=NOW)
        session.add(contact)
        session.flush()
        campaign_id, contact_id = campaign.id, contact.id
        cohort_id = session.scalar(text("SELECT min(id) FROM cohort"))
    row = (
        "SELECT {n}, {campaign}, {contact}, 'k' || {n}, CASE WHEN {n} % 20 = 0 THEN 'not_sent' ELSE 'accepted' END,"
        " CASE WHEN {n} % 20 = 0 THEN 'open_case' END, {cohort}, 1, 0, {at},"
        " CASE WHEN {n} % 20 > 1 THEN {at} END, CASE WHEN {n} % 20 > 7 THEN {at} END, CASE WHEN {n} % 20 > 17 THEN {at} END"
    )
    columns = (
        "id, campaign_id, contact_id, person_key, state, reason, cohort_id, attempts, failures, accepted_at, delivered_at,"
        " read_at, replied_at"
    )
    begun = NOW - timedelta(days=2)
    for first in range(1, people + 1, SLICE):
        last = min(first + SLICE - 1, people)
        if rt.database.is_sqlite:
            at = f"strftime('%Y-%m-%d %H:%M:%f', '{begun:%Y-%m-%d %H:%M:%S}', '+' || (n / 20) || ' seconds') || '000'"
            source = f"WITH RECURSIVE s(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM s WHERE n < {last}) "
            tail = " FROM s"
        else:
            at = f"CAST('{begun.isoformat()}' AS timestamptz) + (n / 20) * interval '1 second'"
            source, tail = "", f" FROM generate_series({first}, {last}) AS s(n)"
        chosen = row.format(n="n", campaign=campaign_id, contact=contact_id, cohort=cohort_id, at=at)
        with rt.database.write() as session:
            session.execute(text(f"INSERT INTO recipient ({columns}) {source}{chosen}{tail}"))
    return campaign_id


def fill_trends(session: Session, campaigns: int) -> None:
    """So many campaigns with the sums of 10,000 people each, over four hours and two languages."""
    numbers = [make_number(session, name=f"Number {place}") for place in range(3)]
    templates = [make_template(session, numbers[place % 3], name=f"template {place}") for place in range(40)]
    for place in range(campaigns):
        begun = (NOW - timedelta(days=2 + place % 360)).replace(minute=0, second=0, microsecond=0)
        campaign = make_campaign(
            session, numbers[place % 3], templates[place % 40], status=CampaignStatus.ENDED, now=begun,
            type=CampaignType.PROMOTIONAL, audience={"include": [{"segment": f"segment {place % 25}"}]},
        )  # fmt: skip
        sums = {
            "sent": 1250,
            "delivered": 1200,
            "read": 600 + place % 200,
            "clicked": 90,
            "replied": 60,
            "opted_out": 3,
        }
        rows = [
            {"campaign_id": campaign.id, "language": language, "hour": begun + timedelta(hours=hour)} | sums
            for hour in range(4)
            for language in ("en", "es")
        ]
        session.execute(insert(ResultHour), rows)


def milliseconds(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        work()
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken)


def milliseconds_of_change(rt: Runtime, *, marked: bool) -> float:
    """A thousand rows that are read, as the ingest writes them; without marks if their trigger is dropped before."""
    taken = []
    drop = "DROP TRIGGER results_recipient_update" + ("" if rt.database.is_sqlite else " ON recipient")
    with Session(rt.database.write_engine) as session:
        for place in range(4 * ROUNDS):
            if not marked:
                session.execute(text(drop))
            begun = time.perf_counter()
            first = 1 + place * 1000
            session.execute(
                text("UPDATE recipient SET read_at = accepted_at WHERE id BETWEEN :first AND :first + 999"),
                {"first": first},
            )
            taken.append((time.perf_counter() - begun) * 1000)
            session.rollback()
    return statistics.median(taken)


def report(kind: str, rt: Runtime, people: int, campaigns: int) -> None:
    campaign_id = fill(rt, people)

    def stats(*, stored: bool) -> None:
        with rt.database.read() as session:
            stats_of(session, [campaign_id], stored_figures(session, [campaign_id]) if stored else None)

    def recount() -> None:
        with rt.database.write() as session:
            recount_block(session, 1, NOW)

    def trends() -> None:
        with rt.database.read() as session:
            read_trends(session, TrendFilter(NOW - timedelta(days=3650), NOW), NOW, ZoneInfo("Europe/Madrid"))

    begun = time.perf_counter()
    recount_changed(rt, NOW, budget=3600)
    everything = time.perf_counter() - begun
    lines = [
        ("statistics, counted from the rows", milliseconds(lambda: stats(stored=False))),
        ("statistics, from stored sums", milliseconds(lambda: stats(stored=True))),
        ("recount of one block", milliseconds(recount)),
        ("1,000 changed rows, no marks", milliseconds_of_change(rt, marked=False)),
        ("1,000 changed rows, marked", milliseconds_of_change(rt, marked=True)),
    ]
    with rt.database.write() as session:
        fill_trends(session, campaigns)
    lines.append((f"trends of {campaigns:,} campaigns", milliseconds(trends)))
    print(f"{kind}: {people:,} recipients; all of them recounted in {everything:.1f} s", flush=True)
    for name, taken in lines:
        print(f"  {name:<40} {taken:>9.1f} ms", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--campaigns", type=int, default=1000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), nargs="+", default=["sqlite", "postgresql"])
    arguments = parser.parse_args()
    for kind in arguments.database:
        with tempfile.TemporaryDirectory() as folder, installation(kind, Path(folder)) as rt:
            report(kind, rt, arguments.people, arguments.campaigns)


if __name__ == "__main__":
    main()
