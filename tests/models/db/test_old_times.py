"""Times as version 0.1 stored them on SQLite."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text

from jobs.core.runtime import Runtime
from jobs.maintenance import old_times
from jobs.maintenance.old_times import rewrite_old_times
from models.clock import utcnow
from models.tables.conversation import Conversation
from models.tables.old_time_form import OldTimeForm
from tests.support.factories.campaigns import make_number
from tests.support.factories.contacts import make_contact
from tests.support.factories.conversations import make_conversation

OLD = ("2026-11-22T10:00:00", "2026-11-22T10:00:00.120000", "2026-11-22T10:00:00+00:00", "2026-11-22T10:00:00.5Z")
NEW = (
    "2026-11-22 10:00:00.000000",
    "2026-11-22 10:00:00.120000",
    "2026-11-22 10:00:00.000000",
    "2026-11-22 10:00:00.500000",
)


@pytest.mark.sqlite_only
def test_they_are_rewritten_slice_by_slice_and_then_compared_rightly(
    bare_rt: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(old_times, "SLICE", 2)
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    with bare_rt.database.write() as session:
        number = make_number(session)
        for place, old in enumerate(OLD):
            person = make_contact(session, f"+4479001000{place:02}")
            talk = make_conversation(session, person, number, now=noon)
            session.flush()
            session.execute(
                text("UPDATE conversation SET last_message_at = :at WHERE id = :id"), {"at": old, "id": talk.id}
            )

    def before_noon() -> int:
        with bare_rt.database.read() as session:
            return len(session.scalars(select(Conversation.id).where(Conversation.last_message_at < noon)).all())

    assert before_noon() == 0, "the old form is later than noon, as text"
    for _ in range(50):  # each ends after a moment, on a busy machine after one slice
        rewrite_old_times(bare_rt, utcnow())
    assert before_noon() == len(OLD)
    with bare_rt.database.read() as session:
        stored = session.execute(text("SELECT last_message_at, created_at FROM conversation ORDER BY id")).all()
        assert session.scalars(select(OldTimeForm)).all() == []
    assert [row.last_message_at for row in stored] == list(NEW)
    assert {row.created_at for row in stored} == {"2026-11-22 12:00:00.000000"}


def test_where_no_table_holds_any_nothing_is_done(bare_rt: Runtime) -> None:
    for _ in range(50):
        rewrite_old_times(bare_rt, utcnow())
    with bare_rt.database.read() as session:
        assert session.scalars(select(OldTimeForm)).all() == []
