"""`flask users`."""

import pytest
from sqlalchemy import select

from admin.auth.attempts import ACCOUNT, TooManyAttemptsError, take_attempt
from admin.auth.passwords import verify_password
from admin.auth.sessions import SessionOrigin, begin_session, complete_session, find_session
from admin.auth.signed_in_user import SignedInUser
from admin.auth.users import add_first_admin, token_hash
from models.clock import utcnow
from models.tables.browser_session import SignInMethod
from models.tables.user import ApiToken, Role, User
from tests.support.cli_app import Shell

pytestmark = pytest.mark.sqlite_unless_proved


def test_a_user_gets_a_one_time_password_that_is_printed_once(shell: Shell) -> None:
    added = shell.data("users", "add", "Ana@Example.com", "--role", "manager", "--json")
    assert (added["email"], added["role"]) == ("ana@example.com", "manager")
    with shell.rt.database.read() as session:
        user = session.scalars(select(User)).one()
    assert user.must_change_password
    assert verify_password(user.password_hash, added["password"])
    assert added["password"] not in user.password_hash


def test_a_password_of_ones_own_comes_from_standard_input(shell: Shell) -> None:
    printed = shell.ok(
        "users", "add", "ben@example.com", "--role", "agent", "--password-stdin", stdin="correct horse 1\n"
    )
    assert "correct horse" not in printed
    with shell.rt.database.read() as session:
        user = session.scalars(select(User)).one()
    assert not user.must_change_password
    assert verify_password(user.password_hash, "correct horse 1")
    assert not verify_password(user.password_hash, "correct horse 2")


def test_bad_users_are_refused_in_one_line_and_not_added(shell: Shell) -> None:
    assert "email=nobody" in shell.refused("users", "add", "nobody", "--role", "admin")
    assert "10 to 200" in shell.refused("users", "add", "a@b", "--role", "admin", "--password-stdin", stdin="short\n")
    assert "empty" in shell.refused("users", "add", "a@b", "--role", "admin", "--password-stdin", stdin="")
    assert "'viewer'" in shell.refused("users", "add", "a@b", "--role", "boss", code=2)
    shell.ok("users", "add", "a@b", "--role", "admin")
    assert "already" in shell.refused("users", "add", "A@B", "--role", "admin")
    with shell.rt.database.read() as session:
        assert len(session.scalars(select(User)).all()) == 1


def test_a_new_installation_has_one_first_admin(shell: Shell) -> None:
    first = add_first_admin(shell.rt)
    assert first is not None
    assert (first.role, bool(first.password)) == (Role.ADMIN, True)
    assert add_first_admin(shell.rt) is None


def test_of_a_token_only_the_hash_is_kept(shell: Shell) -> None:
    token = shell.ok("tokens", "add", "shop", "--role", "viewer").strip()
    with shell.rt.database.read() as session:
        row = session.scalars(select(ApiToken)).one()
    assert row.token_hash == token_hash(token)
    assert token not in row.token_hash
    assert "already" in shell.refused("tokens", "add", "shop", "--role", "viewer")


def test_a_common_password_and_ones_own_name_are_refused_in_one_line(shell: Shell) -> None:
    add = ("users", "add", "carla.smith@example.com", "--role", "agent", "--password-stdin")
    assert "easy to guess" in shell.refused(*add, stdin="password123\n")
    assert "little more than your name" in shell.refused(*add, stdin="CarlaSmith2026\n")
    with shell.rt.database.read() as session:
        assert session.scalars(select(User)).all() == []


def test_a_user_is_signed_out_everywhere(shell: Shell) -> None:
    shell.ok("users", "add", "ana@example.com", "--role", "manager")
    with shell.rt.database.read() as session:
        user = SignedInUser.of(session.scalars(select(User)).one())
    token = begin_session(shell.rt, user, SignInMethod.PASSWORD, SessionOrigin("192.0.2.1", "Firefox"), utcnow())
    token = complete_session(shell.rt, token, utcnow())
    assert shell.ok("users", "sign-out", "Ana@example.com") == "ana@example.com is signed out everywhere (1 session)\n"
    assert find_session(shell.rt, token, utcnow()) is None
    assert shell.data("users", "sign-out", "ana@example.com", "--json")["sessions"] == 0
    assert "no such user" in shell.refused("users", "sign-out", "ben@example.com")


def test_users_are_listed_let_in_again_and_given_new_passwords(shell: Shell) -> None:
    shell.ok("users", "add", "ana@example.com", "--role", "manager", "--password-stdin", stdin="correct horse 1\n")
    assert shell.ok("users", "list") == "ana@example.com: manager, last signed in never\n"
    for _ in range(ACCOUNT.free):
        take_attempt(shell.rt, "ana@example.com", "192.0.2.1", None)
    with pytest.raises(TooManyAttemptsError):
        take_attempt(shell.rt, "ana@example.com", "192.0.2.2", None)
    assert "at once" in shell.ok("users", "unlock", "Ana@example.com")
    take_attempt(shell.rt, "ana@example.com", "192.0.2.2", None)
    assert "no such user" in shell.refused("users", "unlock", "ben@example.com")
    password = shell.data("users", "reset-password", "ana@example.com", "--json")["password"]
    with shell.rt.database.read() as session:
        assert verify_password(session.scalars(select(User)).one().password_hash, password)
