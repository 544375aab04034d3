"""Signing in: one-time passwords, locks, sessions that end, paths that stay here."""

from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import select, update

from admin.auth.sign_in import LOCKED, MAX_FAILURES, MAX_PER_ADDRESS, WRONG, sign_in
from admin.auth.users import reset_password, set_active
from admin.auth.web_security import local_path
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.user import Role, User
from tests.support.panel_app import PASSWORD, Panel, open_panel

pytestmark = pytest.mark.sqlite_only


def test_whoever_is_not_signed_in_is_asked_to_and_comes_back_to_the_page_they_wanted(panel: Panel) -> None:
    visitor = panel.visitor()
    answer = visitor.client.get("/admin/contacts/?q=ana")
    assert answer.status_code == 302
    assert answer.location == "/admin/sign-in?next=/admin/contacts/?q%3Dana"
    signed_in = visitor.sign_in("viewer@example.com", next="/admin/contacts/?q=ana")
    assert (signed_in.status_code, signed_in.location) == (303, "/admin/contacts/?q=ana")
    assert ("viewer@example.com", "sign_in") in panel.audited()


def test_an_unknown_address_and_a_wrong_password_get_the_same_answer(panel: Panel) -> None:
    visitor = panel.visitor()
    unknown = visitor.sign_in("nobody@example.com")
    wrong = visitor.sign_in("admin@example.com", "wrong password")
    assert unknown.status_code == wrong.status_code == 401
    assert WRONG in unknown.text
    assert WRONG in wrong.text


def test_an_address_is_read_whatever_its_case(panel: Panel) -> None:
    assert panel.visitor().sign_in(" Admin@Example.com ").status_code == 303


def test_repeated_failures_lock_the_account_also_for_the_right_password(panel: Panel) -> None:
    visitor = panel.visitor()
    for _ in range(MAX_FAILURES):
        assert WRONG in visitor.sign_in("agent@example.com", "wrong password").text
    assert LOCKED in visitor.sign_in("agent@example.com").text
    assert visitor.sign_in("viewer@example.com").status_code == 303


def test_a_lock_runs_out_and_leaves_new_tries(panel: Panel) -> None:
    now = utcnow()
    with panel.rt.database.write() as session:
        session.execute(
            update(User)
            .where(User.email == "agent@example.com")
            .values(failed_sign_ins=MAX_FAILURES, locked_until=now - timedelta(seconds=1))
        )
    with pytest.raises(OperatorError, match="not right"):
        sign_in(panel.rt, "agent@example.com", "wrong password", "127.0.0.1", now)
    assert sign_in(panel.rt, "agent@example.com", PASSWORD, "127.0.0.1", now).role is Role.AGENT


def test_one_address_cannot_try_a_password_on_every_account(panel: Panel, redis: Redis) -> None:
    with pytest.raises(OperatorError, match="not right"):
        sign_in(panel.rt, "user1@example.com", "password", "192.0.2.1", utcnow())
    (counted,) = redis.keys("hark:sign-in:*")
    assert redis.incrby(counted, MAX_PER_ADDRESS - 1) == MAX_PER_ADDRESS
    assert redis.ttl(counted) > 0
    with pytest.raises(OperatorError, match="Too many"):
        sign_in(panel.rt, "admin@example.com", PASSWORD, "192.0.2.1", utcnow())
    assert sign_in(panel.rt, "admin@example.com", PASSWORD, "192.0.2.2", utcnow()).role is Role.ADMIN


def test_nothing_opens_before_a_one_time_password_was_changed(panel: Panel) -> None:
    visitor = panel.visitor()
    one_time = panel.newcomer()
    assert visitor.sign_in("new@example.com", one_time).location == "/admin/password?next=/admin/"
    for path in ("/admin/", "/admin/campaigns/", "/admin/contacts/"):
        assert visitor.client.get(path).location == "/admin/password"
    assert "10 to 200 characters" in visitor.refused("/password", new="short", again="short")
    assert "not the same" in visitor.refused("/password", new="long enough a one", again="long enough another")
    assert "not your present one" in visitor.refused("/password", new=one_time, again=one_time)
    assert "Home" in visitor.post("/password", new="a sentence of my own", again="a sentence of my own")
    assert panel.visitor().sign_in("new@example.com", one_time).status_code == 401
    assert panel.visitor().sign_in("new@example.com", "a sentence of my own").status_code == 303


def test_a_new_password_ends_every_other_session_and_needs_the_old_one(panel: Panel) -> None:
    here, there = panel.of(Role.MANAGER), panel.of(Role.MANAGER)
    assert "not your password" in here.refused(
        "/password", current="wrong", new="a new sentence", again="a new sentence"
    )
    here.post("/password", current=PASSWORD, new="a new sentence", again="a new sentence")
    assert "Campaigns" in here.get("/campaigns/")
    assert there.client.get("/admin/campaigns/").location.startswith("/admin/sign-in")


def test_whoever_is_kept_out_or_given_a_new_password_is_out_at_once(panel: Panel) -> None:
    agent, viewer = panel.of(Role.AGENT), panel.of(Role.VIEWER)
    with panel.rt.database.read() as session:
        ids = {user.role: user.id for user in session.scalars(select(User))}
    set_active(panel.rt, ids[Role.AGENT], False, "test")
    one_time = reset_password(panel.rt, ids[Role.VIEWER], "test")
    assert agent.client.get("/admin/inbox/").status_code == 302
    assert viewer.client.get("/admin/inbox/").status_code == 302
    assert panel.visitor().sign_in("agent@example.com").status_code == 401
    assert panel.visitor().sign_in("viewer@example.com", one_time).location.startswith("/admin/password")


def test_signing_out_ends_the_session(panel: Panel) -> None:
    visitor = panel.of(Role.VIEWER)
    assert "Sign in" in visitor.post("/sign-out")
    assert visitor.client.get("/admin/").status_code == 302


def test_the_token_of_a_session_does_not_outlive_it(panel: Panel) -> None:
    visitor = panel.visitor()
    before = visitor.token()
    visitor.sign_in("admin@example.com")
    answer = visitor.client.post("/admin/tags/add", data={"csrf_token": before, "name": "vip"})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "target",
    ["https://evil.example", "//evil.example", "/\\evil.example", "/admin/../x", "javascript:alert(1)", "/admin//evil.example",
     "/other", "http:/admin/", "/adminx", "\t//evil.example", "/admin/\nx", ""],
)  # fmt: skip
def test_next_leads_nowhere_but_into_the_panel(target: str, panel: Panel) -> None:
    assert local_path(target, "/admin/") == "/admin/"
    visitor = panel.visitor()
    assert visitor.sign_in("viewer@example.com", next=target).location == "/admin/"


def test_the_cookie_is_for_this_site_and_the_panel_alone(panel: Panel) -> None:
    cookie = panel.visitor().client.get("/admin/sign-in").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/admin" in cookie
    assert "Secure" not in cookie


def test_the_cookie_travels_encrypted_where_the_panel_is_public(
    tmp_path: Path, sqlite_url: str, redis_url: str
) -> None:
    with open_panel(tmp_path, sqlite_url, redis_url, public_url="https://hark.example.com") as opened:
        assert "Secure" in opened.visitor().client.get("/admin/sign-in").headers["Set-Cookie"]


def test_pages_may_load_nothing_from_outside_and_are_kept_by_nobody(panel: Panel) -> None:
    headers = panel.of(Role.ADMIN).client.get("/admin/").headers
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
