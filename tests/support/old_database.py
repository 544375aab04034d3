"""A database of the first stage with many people and a running campaign, and writers that go on while it is migrated."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError

from models.db.engine import Database
from models.db.migrate import upgrade_schema

FIRST_STAGE = "0004"
"""The schema of 0.1."""
MOMENT = "2026-03-21 10:00:00.000000"
SLICE = 50_000
_ACCOUNT = (
    "INSERT INTO portfolio (id, meta_id) VALUES (1, 'p')",
    "INSERT INTO waba (id, portfolio_id, waba_id, name, state) VALUES (1, 1, 'w', '', 'ok')",
    """INSERT INTO number (id, waba_id, phone_number_id, name, access_token, status, quality, messages_per_second, created_at)
    VALUES (1, 1, '1', 'Shop', 't', 'CONNECTED', 'GREEN', 80, :now)""",
    """INSERT INTO template (id, waba_id, name, language, category, status, quality, parameter_format, components, created_at)
    VALUES (1, 1, 'spring', 'en', 'MARKETING', 'APPROVED', 'GREEN', 'POSITIONAL', '[]', :now)""",
    """INSERT INTO campaign (id, name, kind, status, outcome, number_id, template_id, audience, variables, media,
    ends_after_seconds, launch_cursor, created_by, created_at, updated_at, started_at, launched_at, pace_per_second)
    VALUES (1, 'Spring', 'real', 'active', 'sending', 1, 1, '{}', '{}', '{}', 60, 0, '', :now, :now, :now, :now, 20)""",
    "INSERT INTO segment (name, rule, created_at, updated_at) VALUES ('pressed', :rule, :now, :now)",
    "INSERT INTO tag (id, name, description, created_at) VALUES (1, 'vip', '', :now)",
)
_PEOPLE = (
    """INSERT INTO contact (id, person_key, phone, name, has_identity, consent, undeliverable_count, attributes, created_at,
    updated_at) SELECT n, 'wa:' || n, '+34' || n, 'Person ' || n, {no}, 'subscribed', 0, '{{}}', :now, :now FROM numbers""",
    "INSERT INTO contact_tag (contact_id, tag_id, created_at) SELECT n, 1, :now FROM numbers",
    """INSERT INTO recipient (id, campaign_id, contact_id, person_key, state, attempts, failures, queued_at, due_at)
    SELECT n, 1, n, 'wa:' || n, 'queued', 0, 0, :now, :now FROM numbers""",
    """INSERT INTO conversation (id, contact_id, number_id, last_message_at, created_at)
    SELECT n, n, 1, :now, :now FROM numbers""",
    """INSERT INTO message (id, conversation_id, direction, state, type, body, at, attempts)
    SELECT n, n, 'in', 'received', 'text', 'Hello', :now, 0 FROM numbers""",
)
_NUMBERS = {
    "sqlite": (
        "WITH RECURSIVE numbers(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM numbers WHERE n < {last}) ",
        "0",
    ),
    "postgresql": ("WITH numbers AS (SELECT generate_series({first}, {last}) AS n) ", "false"),
}
_WRITES = (
    "UPDATE recipient SET state = 'accepted', accepted_at = :now, wamid = 'w' || id WHERE id = :id",
    "UPDATE contact SET last_inbound_at = :now WHERE id = :id",
    "UPDATE message SET handled_at = :now, route = 'nothing' WHERE id = :id",
    """INSERT INTO message (conversation_id, direction, state, type, body, at, attempts)
    VALUES (:id, 'in', 'received', 'text', 'Hello', :now, 0)""",
)


def make_old_database(url: str, people: int) -> None:
    """The schema of the first stage with so many contacts, recipients, conversations and messages, and one active campaign."""
    upgrade_schema(url, FIRST_STAGE)
    engine = create_engine(url)
    numbers, no = _NUMBERS[engine.dialect.name]
    given = {"now": MOMENT, "rule": '{"all": [{"on": "campaign", "op": "clicked"}]}'}
    with engine.begin() as connection:
        for statement in _ACCOUNT:
            connection.execute(text(statement), given)
    for first in range(1, people + 1, SLICE):
        with engine.begin() as connection:
            for statement in _PEOPLE:
                into, _, select = statement.format(no=no).partition("SELECT")
                rows = numbers.format(first=first, last=min(first + SLICE - 1, people))
                # SQLite takes the common table expression after INSERT INTO too.
                connection.execute(text(f"{into}{rows}SELECT{select}"), {"now": MOMENT})
    _finish(engine)
    engine.dispose()


def _finish(engine: Engine) -> None:
    """PostgreSQL's sequences do not see ids that were given; both get statistics of their tables."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT setval('message_id_seq', (SELECT max(id) FROM message))"))
        connection.execute(text("ANALYZE"))


@dataclass
class Waits:
    """How long each write and each look took, in seconds, and what failed."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


@contextlib.contextmanager
def writing(url: str, people: int, look_seconds: float) -> Iterator[Waits]:
    """Inside, the tables of people are written to and looked at without a pause; the last look lasts `look_seconds`."""
    database, waits, over = Database(url), Waits(), threading.Event()
    jobs: list[Callable[[int], None]] = [_writer(database, statement, people) for statement in _WRITES]
    names = [statement.split(" SET ")[0].split(" (")[0].strip() for statement in _WRITES]
    threads = [
        threading.Thread(target=_repeat, args=(job, name, waits, over)) for job, name in zip(jobs, names, strict=True)
    ]
    reader = threading.Thread(target=_look, args=(database, look_seconds, over))
    for thread in (*threads, reader):
        thread.start()
    try:
        while len(waits.seconds) < len(names):
            time.sleep(0.01)
        yield waits
        time.sleep(0.2)  # they go on after it
    finally:
        over.set()
        for thread in (*threads, reader):
            thread.join()
        database.dispose()


def _writer(database: Database, statement: str, people: int) -> Callable[[int], None]:
    def write(place: int) -> None:
        with database.write() as session:
            session.execute(text(statement), {"now": MOMENT, "id": place % people + 1})

    return write


def _repeat(job: Callable[[int], None], name: str, waits: Waits, over: threading.Event) -> None:
    place = 0
    while not over.is_set():
        began = time.monotonic()
        try:
            job(place)
        except DBAPIError as error:
            waits.failures.append(f"{name}: {error}")
        waits.seconds.setdefault(name, []).append(time.monotonic() - began)
        place += 1
        time.sleep(0.002)


def _look(database: Database, seconds: float, over: threading.Event) -> None:
    """Reports that read the tables of people for a while, as exports do, with pauses between them."""
    while not over.is_set():
        with database.read() as session:
            for table in ("recipient", "contact", "message"):
                session.execute(text(f"SELECT id FROM {table} LIMIT 1"))
            over.wait(seconds)
        over.wait(0.3)
