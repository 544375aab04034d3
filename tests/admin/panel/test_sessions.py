"""Sessions as their users see them: copies that end, the list of one's own, and what administrators can end."""

from datetime import timedelta
from typing import Any

import pytest
from flask.sessions import SecureCookieSessionInterface
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from admin.auth import web_security
from admin.auth.attempts import DEVICE
from admin.auth.users import change_role, find_user
from admin.panel import labels
from models.clock import utcnow
from models.tables.browser_session import BrowserSession, EndReason, SignInMethod
from models.tables.user import Role, User
from tests.support.panel_app import PASSWORD, Panel, Visitor, said

pytestmark = pytest.mark.sqlite_only
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile/15E148 Safari/604.1"


def copy_of(panel: Panel, visitor: Visitor) -> Visitor:
    """Another browser with the cookie of this one."""
    cookie = visitor.client.get_cookie("hark", path="/admin")
    assert cookie is not None
    copy = panel.visitor()
    copy.client.set_cookie("hark", cookie.value, path="/admin")
    return copy


def is_in(visitor: Visitor) -> bool:
    return visitor.client.get("/admin/").status_code == 200


def change_rows(panel: Panel, **values: Any) -> None:
    with panel.rt.database.write() as session:
        session.execute(update(BrowserSession).values(**values))


def rows(panel: Panel) -> list[BrowserSession]:
    with panel.rt.database.read() as session:
        return list(session.scalars(select(BrowserSession).order_by(BrowserSession.id)))


def test_a_copy_of_the_cookie_ends_with_the_sign_out(panel: Panel) -> None:
    owner = panel.of(Role.ADMIN)
    thief = copy_of(panel, owner)
    assert is_in(thief)
    owner.send("/sign-out")
    assert not is_in(thief)
    assert thief.client.get("/admin/users/").location.startswith("/admin/sign-in")
    assert [row.end_reason for row in rows(panel)] == [EndReason.SIGNED_OUT]


def test_the_cookie_holds_a_random_token_and_the_token_of_forms_and_nothing_else(panel: Panel) -> None:
    viewer = panel.of(Role.VIEWER)
    viewer.get("/")
    cookie = viewer.client.get_cookie("hark", path="/admin")
    serializer = SecureCookieSessionInterface().get_signing_serializer(panel.shell.app)
    assert cookie is not None
    assert serializer is not None
    content = serializer.loads(cookie.value)
    assert set(content) == {"_permanent", "token", "csrf"}
    assert content["token"] not in str([vars(row) for row in rows(panel)])


def test_the_session_from_before_the_sign_in_and_that_of_earlier_versions_open_nothing(panel: Panel) -> None:
    visitor = panel.visitor()
    visitor.token()
    before = copy_of(panel, visitor)
    visitor.sign_in("admin@example.com")
    assert not is_in(before)
    with panel.rt.database.read() as session:
        key = session.scalars(select(User.session_key)).first()
    old = panel.visitor()
    with old.client.session_transaction() as cookie:
        cookie["who"] = key
    assert not is_in(old)


def test_signing_in_again_in_the_same_browser_ends_the_session_before(panel: Panel) -> None:
    visitor = panel.of(Role.VIEWER)
    copy = copy_of(panel, visitor)
    visitor.sign_in("agent@example.com")
    assert is_in(visitor)
    assert not is_in(copy)
    assert [row.end_reason for row in rows(panel)] == [EndReason.REPLACED, None]


def test_everybody_sees_their_browsers_and_ends_one_or_all_others(panel: Panel) -> None:
    here, there, third, other = (panel.of(role) for role in (Role.AGENT, Role.AGENT, Role.AGENT, Role.VIEWER))
    phone = panel.visitor()
    phone.client.environ_base["HTTP_USER_AGENT"] = PHONE
    phone.sign_in("agent@example.com")
    page = said(here.get("/account/"))
    assert page.count("This browser") == 1
    assert "Safari on iPhone" in page
    assert "127.0.0.1" in page
    assert "That browser is signed out." in said(here.post(f"/account/sessions/{rows(panel)[1].id}/end"))
    assert (is_in(there), is_in(third)) == (False, True)
    assert "ended already" in said(here.post(f"/account/sessions/{rows(panel)[3].id}/end"))
    assert "signed out everywhere else" in said(here.post("/account/sessions/end-others"))
    assert [is_in(visitor) for visitor in (here, third, phone, other)] == [True, False, False, True]
    assert "ended from the list" in said(here.get("/account/"))


def test_an_administrator_signs_somebody_out_everywhere(panel: Panel) -> None:
    admin, agent, agents_phone = panel.of(Role.ADMIN), panel.of(Role.AGENT), panel.of(Role.AGENT)
    user_id = find_user(panel.rt, "agent@example.com").id
    assert "now in 2 browsers" in said(admin.get("/users/"))
    assert agent.send(f"/users/{user_id}/sign-out").status_code == 403
    assert "They are signed out everywhere." in said(admin.post(f"/users/{user_id}/sign-out"))
    assert (is_in(agent), is_in(agents_phone), is_in(admin)) == (False, False, True)
    again = panel.of(Role.AGENT)
    assert "an administrator ended it" in said(again.get("/account/"))


def test_another_role_in_the_middle_of_the_work_takes_effect_at_once(panel: Panel) -> None:
    manager, admin = panel.of(Role.MANAGER), panel.of(Role.ADMIN)
    change_role(panel.rt, find_user(panel.rt, "manager@example.com").id, "viewer", "test")
    answer = manager.client.post("/admin/tags/add", data={"csrf_token": "x", "name": "vip"})
    assert answer.status_code in {302, 400}
    assert not is_in(manager)
    with panel.rt.database.write() as session:
        session.add(
            User(email="second@example.com", password_hash="-", role=Role.ADMIN, session_key="s", created_at=utcnow())
        )
    own_id = find_user(panel.rt, "admin@example.com").id
    admin.send(f"/users/{own_id}/role", role="viewer")
    assert is_in(admin)
    assert admin.client.get("/admin/users/").status_code == 403


@pytest.mark.parametrize(
    "values",
    [{"last_seen_at": timedelta(minutes=721)}, {"created_at": timedelta(hours=169)}, {"created_at": timedelta(days=400)}],
)  # fmt: skip
def test_a_session_that_is_over_opens_nothing(panel: Panel, values: dict[str, timedelta]) -> None:
    viewer = panel.of(Role.VIEWER)
    change_rows(panel, **{name: utcnow() - ago for name, ago in values.items()})
    assert not is_in(viewer)
    assert viewer.sign_in("viewer@example.com").status_code == 303
    assert is_in(viewer)


def test_use_is_noted_once_a_minute_and_never_by_a_page_that_renews_itself(panel: Panel) -> None:
    viewer, ago = panel.of(Role.VIEWER), utcnow() - timedelta(minutes=5)
    change_rows(panel, last_seen_at=ago)
    assert viewer.client.get("/admin/live").status_code == 200
    assert rows(panel)[0].last_seen_at == ago
    viewer.get("/")
    seen = rows(panel)[0].last_seen_at
    assert seen > ago
    viewer.get("/")
    assert rows(panel)[0].last_seen_at == seen


def test_pages_open_while_the_database_takes_no_writes(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OperationalError("UPDATE", {}, Exception("database or disk is full"))

    viewer = panel.of(Role.VIEWER)
    change_rows(panel, last_seen_at=utcnow() - timedelta(minutes=5))
    monkeypatch.setattr(web_security, "note_seen", full)
    assert is_in(viewer)


def test_a_change_of_the_password_keeps_this_session_under_a_new_token(panel: Panel) -> None:
    here, there = panel.of(Role.MANAGER), panel.of(Role.MANAGER)
    thief = copy_of(panel, here)
    here.post("/password", current=PASSWORD, new="a new sentence", again="a new sentence")
    assert [is_in(visitor) for visitor in (here, there, thief)] == [True, False, False]
    assert [row.end_reason for row in rows(panel)] == [None, EndReason.PASSWORD_CHANGED]


def test_the_present_password_cannot_be_guessed_quickly_either(panel: Panel) -> None:
    here = panel.of(Role.MANAGER)
    new = "a new sentence"
    for _ in range(DEVICE.free):
        assert "not your password" in here.refused("/password", current="wrong", new=new, again=new)
    slowed = here.send("/password", current=PASSWORD, new=new, again=new)
    assert (slowed.status_code, slowed.headers["Retry-After"]) == (429, "1")
    assert ("manager@example.com", "confirm_failed") in panel.audited()


def test_a_new_password_is_checked_wherever_it_is_chosen(panel: Panel) -> None:
    here = panel.of(Role.MANAGER)
    for new, why in (("manager2026", "little more than your name"), ("password123", "easy to guess")):
        assert why in here.refused("/password", current=PASSWORD, new=new, again=new)


def test_every_way_to_sign_in_and_every_end_has_its_words() -> None:
    assert set(labels.SIGN_IN_METHOD) == set(SignInMethod)
    assert set(labels.SESSION_END) == set(EndReason)
