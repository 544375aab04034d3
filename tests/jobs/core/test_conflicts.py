"""Operators' actions that the database gives up for others."""

import ast
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from admin.operations.contact_merge import merge_records
from admin.operations.contacts import redact_contact
from jobs.campaigns.lifecycle import end_campaign
from jobs.core import conflicts
from jobs.core.conflicts import DatabaseBusyError, retry_conflicts, retry_conflicts_again
from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.config import Settings
from models.crypto import new_encryption_key
from models.tables.campaign import CampaignStatus
from models.tables.setting import write_setting
from tests.support.factories.campaigns import make_campaign, make_number, make_recipient
from tests.support.factories.contacts import make_contact
from tests.support.factories.conversations import make_case, make_conversation
from tests.support.paths import ROOT

CALLED_BY_OPERATORS = ("jobs/campaigns/lifecycle.py", "jobs/campaigns/start.py", "jobs/maintenance/meta_sync.py")
UNREPEATED = {"admin/server/health.py", "admin/server/key_check.py"}
"""What a process does by itself, again and again or at its start."""


class Rows(NamedTuple):
    """Ids of rows that actions lock."""

    campaign: int
    contact: int
    other: int


def add_rows(rt: Runtime) -> Rows:
    now = utcnow()
    with rt.database.write() as session:
        number = make_number(session, now=now)
        campaign = make_campaign(session, number, status=CampaignStatus.ACTIVE, launched_at=now, now=now)
        ann, ben = (
            make_contact(session, "+447700900001", name="Ann"),
            make_contact(session, "+447700900002", name="Ben"),
        )
        make_recipient(session, campaign, ann, now=now)
        make_conversation(session, ann, number, now=now)
        make_case(session, ann, number, now=now)
        return Rows(campaign.id, ann.id, ben.id)


ACTIONS: dict[str, tuple[Callable[[Runtime, Rows], Any], str, str]] = {
    # the action, what somebody else locks before it begins, and what they want once it waits for them
    "end": (
        lambda rt, rows: end_campaign(rt, rows.campaign, utcnow(), "x"),
        "UPDATE recipient SET due_at = now() WHERE campaign_id = {campaign}",
        "UPDATE campaign SET name = 'x' WHERE id = {campaign}",
    ),
    "redact": (
        lambda rt, rows: redact_contact(rt, rows.contact, "x"),
        "UPDATE recipient SET due_at = now() WHERE contact_id = {contact}",
        "UPDATE contact SET updated_at = now() WHERE id = {contact}",
    ),
    "merge": (
        lambda rt, rows: merge_records(rt, rows.other, rows.contact, "x"),
        "UPDATE recipient SET due_at = now() WHERE contact_id = {contact}",
        "UPDATE contact SET updated_at = now() WHERE id = {contact}",
    ),
}  # fmt: skip


@contextmanager
def quick_deadlocks(url: str) -> Iterator[Any]:
    """A server that looks for deadlocks at once, except from the connection that is returned: the other one is given up."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        name = connection.execute(text("SELECT current_database()")).scalar_one()
        connection.execute(text(f"ALTER DATABASE \"{name}\" SET deadlock_timeout = '30ms'"))
        connection.execute(text("SET deadlock_timeout = '60s'"))
        yield connection
    engine.dispose()


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_that_a_deadlock_undid_is_done_again(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    action, first, second = ACTIONS[name]
    pauses: list[float] = []

    def note_pause(_low: float, high: float) -> float:
        pauses.append(high)
        return high

    monkeypatch.setattr(conflicts, "uniform", note_pause)
    with quick_deadlocks(postgres_url) as other:
        rt = Runtime(Settings(postgres_url, None, tmp_path, encryption_keys=(new_encryption_key(),)))
        ids = add_rows(rt)
        problems: list[BaseException] = []

        def act() -> None:
            try:
                action(rt, ids)
            except BaseException as error:  # noqa: BLE001 - it is looked at below
                problems.append(error)

        acting = threading.Thread(target=act)
        other.execute(text("BEGIN"))
        other.execute(text(first.format(**ids._asdict())))
        acting.start()
        waits = text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        deadline = time.monotonic() + 60
        while not other.execute(waits).scalar_one() and time.monotonic() < deadline:
            time.sleep(0.01)
        other.execute(text(second.format(**ids._asdict())))
        other.execute(text("COMMIT"))
        acting.join(60)
        assert problems == []
        assert pauses, "nothing was undone"
        rt.close()


def test_an_action_waits_for_a_program_that_holds_the_file(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rt = Runtime(Settings(sqlite_url, None, tmp_path, encryption_keys=(new_encryption_key(),)))
    with rt.database.write() as session:
        session.execute(text("SELECT 1"))
    path = rt.database.url.database or ""
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    tries: list[int] = []
    monkeypatch.setattr(conflicts, "uniform", lambda _low, _high: 0.0)

    @retry_conflicts
    def act() -> None:
        tries.append(1)
        if len(tries) == 3:
            holder.execute("ROLLBACK")
        with rt.database.write_engine.connect() as connection:
            connection.execute(text("DELETE FROM setting"))
            connection.commit()

    rt.database.write_engine.dispose()
    monkeypatch.setattr("models.db.engine.BUSY_TIMEOUT_MS", 10)
    act()
    assert len(tries) == 3
    holder.close()
    rt.close()


def busy() -> OperationalError:
    original = sqlite3.OperationalError("database is locked")
    original.sqlite_errorcode = sqlite3.SQLITE_BUSY
    return OperationalError("x", None, original)


def test_an_action_that_never_comes_through_says_so_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conflicts, "PATIENCE_SECONDS", 0.05)

    @retry_conflicts
    def act() -> None:
        raise busy()

    with pytest.raises(DatabaseBusyError, match="nothing was changed, try again"):
        act()


@pytest.mark.parametrize(("repeat", "tries"), [(retry_conflicts, 1), (retry_conflicts_again, 2)])
def test_what_was_committed_is_repeated_only_where_that_changes_nothing(
    rt: Runtime, repeat: Callable[[Callable[[], None]], Callable[[], None]], tries: int
) -> None:
    seen: list[int] = []

    @repeat
    def act() -> None:
        seen.append(1)
        with rt.database.write() as session:
            write_setting(session, "keep_messages_days", len(seen), utcnow())
        if len(seen) < 2:
            raise busy()

    if tries == 1:
        with pytest.raises(OperationalError):
            act()
    else:
        act()
    assert len(seen) == tries


def writers() -> Iterator[tuple[str, ast.FunctionDef]]:
    paths = [*(ROOT / "admin").rglob("*.py"), *(ROOT / name for name in CALLED_BY_OPERATORS)]
    for path in paths:
        name = str(path.relative_to(ROOT))
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef) and name not in UNREPEATED:
                withs = [node for node in ast.walk(function) if isinstance(node, ast.With)]
                if any("database.write()" in ast.unparse(item.context_expr) for node in withs for item in node.items):
                    yield name, function


def test_every_action_of_an_operator_is_repeated() -> None:
    found = list(writers())
    assert len(found) > 60
    bare = [
        f"{name}: {function.name}"
        for name, function in found
        if not any("retry_conflicts" in ast.unparse(decorator) for decorator in function.decorator_list)
    ]
    assert bare == []
