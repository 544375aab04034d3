"""Signing in: one-time passwords, locks, sessions that end, paths that stay here."""

import time
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import select

from admin.auth import attempts
from admin.auth import sign_in as sign_in_module
from admin.auth.attempts import (
    ACCOUNT,
    ADDRESS,
    COUNTS_KEY,
    TooManyAttemptsError,
    hashing,
    is_known_device,
    new_device,
    take_attempt,
)
from admin.auth.sign_in import WRONG, sign_in
from admin.auth.users import reset_password, set_active
from admin.auth.web_security import local_path
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.user import Role, User
from tests.support.panel_app import PASSWORD, Panel, Visitor, open_panel

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


def fail(visitor: Visitor, times: int, email: str = "agent@example.com") -> None:
    """So many wrong passwords."""
    for _ in range(times):
        assert visitor.sign_in(email, "wrong password").status_code == 401


def test_repeated_failures_slow_the_account_down_and_close_it_never(panel: Panel, redis: Redis) -> None:
    visitor = panel.visitor()
    fail(visitor, ACCOUNT.free)
    slowed = visitor.sign_in("agent@example.com")
    assert (slowed.status_code, slowed.headers["Retry-After"]) == (429, "1")
    assert "Too many attempts. Wait 1 s" in slowed.text
    assert visitor.sign_in("viewer@example.com").status_code == 303
    time.sleep(1.05)
    assert panel.visitor().sign_in("agent@example.com").status_code == 303
    assert redis.keys("hark:sign_in:account:*") == []


def test_each_further_failure_waits_twice_as_long_up_to_a_minute(panel: Panel, redis: Redis) -> None:
    visitor = panel.visitor()
    fail(visitor, ACCOUNT.free)
    (key,) = redis.keys("hark:sign_in:account:*")
    waits = []
    for _ in range(8):
        redis.hdel(key, "at")
        fail(visitor, 1)
        waits.append(int(visitor.sign_in("agent@example.com").headers["Retry-After"]))
    assert waits == [2, 4, 8, 16, 32, 60, 60, 60]


def test_a_browser_that_signed_in_before_is_not_slowed_by_others(panel: Panel) -> None:
    own = panel.of(Role.AGENT)
    own.send("/sign-out")
    fail(panel.visitor(), ACCOUNT.free)
    assert panel.visitor().sign_in("agent@example.com").status_code == 429
    assert own.sign_in("agent@example.com").status_code == 303


def test_what_makes_a_browser_known_is_for_one_account_and_cannot_be_made_up(panel: Panel) -> None:
    other = panel.of(Role.VIEWER)
    other.send("/sign-out")
    fail(panel.visitor(), ACCOUNT.free)
    assert other.sign_in("agent@example.com").status_code == 429
    for made_up in ("x", "x.y", ".", new_device(panel.rt, "agent@example.com") + "0"):
        assert not is_known_device(panel.rt, "agent@example.com", made_up)


def test_one_address_cannot_try_a_password_on_every_account(panel: Panel) -> None:
    for place in range(ADDRESS.free):
        take_attempt(panel.rt, f"user{place}@example.com", "192.0.2.1", None)
    with pytest.raises(TooManyAttemptsError):
        sign_in(panel.rt, "admin@example.com", PASSWORD, "192.0.2.1", utcnow())
    assert sign_in(panel.rt, "admin@example.com", PASSWORD, "192.0.2.2", utcnow()).role is Role.ADMIN


def test_all_addresses_of_one_network_of_version_six_count_together(panel: Panel) -> None:
    for place in range(ADDRESS.free):
        take_attempt(panel.rt, f"user{place}@example.com", f"2001:db8:1:2::{place:x}", None)
    with pytest.raises(TooManyAttemptsError):
        take_attempt(panel.rt, "admin@example.com", "2001:db8:1:2:ffff::1", None)
    take_attempt(panel.rt, "admin@example.com", "2001:db8:1:3::1", None)


def test_no_more_than_two_passwords_are_computed_at_a_time(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "HASH_WAIT_SECONDS", 0.05)
    with hashing(), hashing(), pytest.raises(TooManyAttemptsError):
        sign_in(panel.rt, "admin@example.com", PASSWORD, "192.0.2.1", utcnow())
    assert sign_in(panel.rt, "admin@example.com", PASSWORD, "192.0.2.1", utcnow()).role is Role.ADMIN


def test_failures_and_signing_out_stand_in_the_audit(panel: Panel) -> None:
    visitor = panel.of(Role.AGENT)
    visitor.send("/sign-out")
    fail(panel.visitor(), 1)
    fail(panel.visitor(), 1, "nobody@example.com")
    assert panel.audited()[-2:] == [("agent@example.com", "sign_out"), ("somebody", "sign_in_failed")]


def test_an_account_that_is_slowed_down_stands_in_the_audit_once(panel: Panel) -> None:
    fail(panel.visitor(), ACCOUNT.free)
    assert panel.visitor().sign_in("agent@example.com").status_code == 429
    failed = [("somebody", "sign_in_failed")] * ACCOUNT.free
    assert panel.audited() == [*failed, ("somebody", "sign_in_slowed")]
    counts = panel.rt.redis.hgetall(COUNTS_KEY)
    assert (counts[b"failed"], counts[b"slowed"], counts[b"limited"]) == (b"5", b"1", b"1")


def test_the_answer_to_a_failure_comes_at_the_same_moment_whoever_it_is(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in_module, "EVEN_SECONDS", 0.3)
    for email in ("agent@example.com", "nobody@example.com"):
        began = time.monotonic()
        with pytest.raises(OperatorError):
            sign_in(panel.rt, email, "wrong password", "192.0.2.1", utcnow())
        took = time.monotonic() - began
        assert took >= 0.3
        assert took % 0.3 < 0.15


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
