"""Backup, redact, restore: before the first request nothing of the person is there; on both databases, also without Redis."""

from pathlib import Path

import pytest
from sqlalchemy import select

from admin.server.up import prepare
from models.tables.contact import Contact
from models.tables.number import Number
from tests.support.cli_app import Shell
from tests.support.factories.contacts import make_contact
from tests.support.past_person import DIGITS, person_with_a_past
from tests.support.wiped_rows import found_words


@pytest.fixture
def wiped_since(shell: Shell) -> Path:
    """A backup from before a person was redacted, and another who was not."""
    with shell.rt.database.write() as session:
        contact_id = person_with_a_past(session).id
        make_contact(session, "+34600990001", name="Bob")
        session.scalars(select(Number)).one().access_token = shell.rt.vault.encrypt("token")
    path = shell.directory / "hark.backup"
    shell.ok("backup", str(path))
    shell.ok("contacts", "redact", str(contact_id), "--yes")
    shell.rt.database.dispose()
    return path


@pytest.mark.parametrize("is_redis_lost", [False, True])
def test_a_restored_database_names_nobody_who_was_redacted_since(
    shell: Shell, wiped_since: Path, is_redis_lost: bool
) -> None:
    if is_redis_lost:
        shell.rt.redis.flushall()
    shell.ok("restore", str(wiped_since), "--replace")
    with shell.rt.database.read() as session:
        assert found_words(session) == []
        assert set(session.scalars(select(Contact.name))) == {"", "Bob"}
    assert "there is no contact" in shell.refused("contacts", "show", f"+{DIGITS}")


def test_a_database_file_that_was_copied_back_by_hand_is_wiped_before_the_panel_opens(
    shell: Shell, wiped_since: Path
) -> None:
    marks = shell.rt.settings.var_dir / f"redactions.{shell.rt.installation}"
    marks.rename(shell.directory / "aside")
    shell.rt.redis.flushall()
    shell.ok("restore", str(wiped_since), "--replace")  # nobody knew of the redaction
    with shell.rt.database.read() as session:
        assert found_words(session) != []
    shell.rt.database.dispose()
    (shell.directory / "aside").rename(marks)
    prepare(shell.rt.settings)  # what `flask up` does before it starts anything
    with shell.rt.database.read() as session:
        assert found_words(session) == []
