"""`flask users link-phone` and `flask users unlink-phone`."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from admin.auth.phone_links import VALID_FOR
from models.clock import utcnow
from models.events.messages.link_codes import normalize_code
from models.tables.phone_link import PhoneLinkCode, link_code_hash
from models.tables.user import User
from tests.support.cli_app import Shell

pytestmark = pytest.mark.sqlite_unless_proved


def test_the_command_prints_a_code_of_which_only_the_hash_is_kept(shell: Shell) -> None:
    shell.ok("users", "add", "ana@example.com", "--role", "manager")
    first = shell.ok("users", "link-phone", "Ana@example.com").split()[0]
    given = shell.data("users", "link-phone", "ana@example.com", "--json")
    assert re.fullmatch(r"[0-9A-Z]{5}-[0-9A-Z]{5}", first)
    assert (given["email"], given["code"] != first) == ("ana@example.com", True)
    with shell.rt.database.read() as session:
        row = session.scalars(select(PhoneLinkCode)).one()
    assert row.code_hash == link_code_hash(normalize_code(given["code"])), "a new code replaces the earlier one"
    assert abs(row.expires_at - utcnow() - VALID_FOR) < timedelta(minutes=1)


def test_whom_the_command_does_not_know_and_who_is_kept_out_is_refused_in_one_line(shell: Shell) -> None:
    assert "no such user" in shell.refused("users", "link-phone", "ben@example.com")
    shell.ok("users", "add", "ana@example.com", "--role", "manager")
    assert "no linked phone" in shell.refused("users", "unlink-phone", "ana@example.com")
    with shell.rt.database.write() as session:
        session.scalars(select(User)).one().is_active = False
    assert "kept out" in shell.refused("users", "link-phone", "ana@example.com")


def test_a_phone_is_unlinked_by_a_command(shell: Shell) -> None:
    shell.ok("users", "add", "ana@example.com", "--role", "manager")
    with shell.rt.database.write() as session:
        user = session.scalars(select(User)).one()
        user.phone, user.phone_verified_at = "+34600010001", utcnow()
    assert shell.ok("users", "unlink-phone", "ana@example.com") == "unlinked\n"
    with shell.rt.database.read() as session:
        user = session.scalars(select(User)).one()
    assert (user.phone, user.phone_verified_at) == (None, None)
