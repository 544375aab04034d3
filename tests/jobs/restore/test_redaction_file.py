"""A database that was put back redacts again whom the marks name before anything of it is shown or sent; on both databases."""

from pathlib import Path

import pytest
from sqlalchemy import func, select

from admin.operations.contacts import redact_contact
from jobs.core.runtime import Runtime
from jobs.restore.redaction_file import keep_redactions, look_after_redactions, read_redactions, redact_marked
from models.contacts.merge import merge_contacts
from models.tables.contact import Contact, Suppression
from tests.support.database_copy import copy_database, restored
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_contact
from tests.support.past_person import person_with_a_past
from tests.support.wiped_rows import found_words


@pytest.fixture
def known_id(rt: Runtime) -> int:
    """Somebody with rows in every table."""
    assert rt.installation  # the copies of this installation have its name
    with rt.database.write() as session:
        return person_with_a_past(session).id


def test_the_file_alone_is_enough_without_redis(rt: Runtime, known_id: int, tmp_path: Path) -> None:
    copy = copy_database(rt, tmp_path)
    redact_contact(rt, known_id, "dpo@example.com")
    assert "34600000001" not in (rt.settings.var_dir / f"redactions.{rt.installation}").read_text()
    rt.redis.flushall()
    with restored(rt, copy) as found:
        with found.database.read() as session:
            assert found_words(session) != []
        assert redact_marked(found) == 1
        with found.database.read() as session:
            assert found_words(session) == []
            assert session.scalar(select(func.count()).select_from(Suppression)) == len(read_redactions(found) or ())
        assert redact_marked(found) == 0


def test_the_schedule_redacts_again_in_a_database_that_was_put_back_under_it(
    rt: Runtime, known_id: int, tmp_path: Path
) -> None:
    copy = copy_database(rt, tmp_path)
    redact_contact(rt, known_id, "dpo@example.com")
    look_after_redactions(rt)
    with restored(rt, copy) as found:
        look_after_redactions(found)
        with found.database.read() as session:
            assert found_words(session) == []


def test_a_record_of_the_copy_is_found_by_any_key_that_the_person_had(rt: Runtime, tmp_path: Path) -> None:
    with rt.database.write() as session:
        one = make_contact(session, "+34600000001", name="Alice").id
        other = make_contact(session, "+34600000555", name="Alicia").id
    assert rt.installation
    copy = copy_database(rt, tmp_path)  # they were two records then
    with rt.database.write() as session:
        merge_contacts(session, one, other, NOW)
    redact_contact(rt, one, "dpo@example.com")
    with restored(rt, copy) as found:
        assert redact_marked(found) == 2
        with found.database.read() as session:
            assert set(session.scalars(select(Contact.name))) == {""}


def test_a_file_that_is_gone_is_made_again_and_another_installation_s_counts_for_nothing(
    rt: Runtime, known_id: int
) -> None:
    redact_contact(rt, known_id, "dpo@example.com")
    path = rt.settings.var_dir / f"redactions.{rt.installation}"
    before = read_redactions(rt)
    path.unlink()
    keep_redactions(rt)
    assert read_redactions(rt) == before
    path.write_text("another\n" + "a" * 64 + "\n")
    assert read_redactions(rt) is None
    assert redact_marked(rt) == 0
    keep_redactions(rt)
    assert read_redactions(rt) == before
