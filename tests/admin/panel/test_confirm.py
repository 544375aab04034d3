"""Asked again who one is, before what would outlive the session."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from admin.auth.attempts import DEVICE
from admin.auth.confirmation import needs_confirmation
from admin.auth.users import find_user
from models.clock import utcnow
from models.tables.browser_session import BrowserSession
from models.tables.user import Role
from tests.support.panel_app import PASSWORD, Panel, Visitor, said
from tests.support.panel_routes import path, rules

pytestmark = pytest.mark.sqlite_only
ASKED = "Confirm that it is you"


@pytest.fixture
def late(panel: Panel) -> Visitor:
    """An administrator whose last proof is too old."""
    admin = panel.of(Role.ADMIN)
    make_late(panel)
    return admin


def make_late(panel: Panel) -> None:
    with panel.rt.database.write() as session:
        session.execute(update(BrowserSession).values(confirmed_at=utcnow() - timedelta(minutes=16)))


def fields_of(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page))


def test_the_form_is_kept_and_sent_again_with_the_proof(panel: Panel, late: Visitor) -> None:
    page = late.refused("/users/add", 401, email="new@example.com", role="agent")
    assert ASKED in page
    assert 'action="/admin/users/add"' in page
    fields = fields_of(page)
    assert (fields["email"], fields["role"]) == ("new@example.com", "agent")
    with pytest.raises(ValueError, match="no such user"):
        find_user(panel.rt, "new@example.com")
    wrong = late.refused("/users/add", 401, **fields, confirm_password="wrong")
    assert "That is not your password." in wrong
    assert fields_of(wrong) == fields
    done = late.send("/users/add", **fields, confirm_password=PASSWORD)
    assert (done.status_code, "signs in once with" in said(done.text)) == (200, True)
    assert find_user(panel.rt, "new@example.com").role is Role.AGENT
    assert late.send("/users/add", email="second@example.com", role="agent").status_code == 200
    assert panel.audited()[-4:] == [
        ("admin@example.com", "confirm_failed"), ("admin@example.com", "confirm"), ("admin@example.com", "add"),
        ("admin@example.com", "add"),
    ]  # fmt: skip


def test_a_proof_counts_in_its_own_browser_and_renews_its_token(panel: Panel, late: Visitor) -> None:
    other, copy = panel.of(Role.ADMIN), panel.visitor()
    make_late(panel)
    cookie = late.client.get_cookie("hark", path="/admin")
    assert cookie is not None
    copy.client.set_cookie("hark", cookie.value, path="/admin")
    assert "Users" in copy.get("/users/")
    late.send("/users/add", email="new@example.com", role="agent", confirm_with="password", confirm_password=PASSWORD)
    assert late.send("/users/add", email="second@example.com", role="agent").status_code == 200
    assert other.send("/users/add", email="third@example.com", role="agent").status_code == 401
    assert copy.client.get("/admin/users/").status_code == 302


def test_a_file_leads_to_the_question_and_comes_afterwards(panel: Panel, furnished: None, late: Visitor) -> None:
    answer = late.client.get(
        "/admin/campaigns/1/export.csv", headers={"Referer": "http://localhost/admin/campaigns/1/"}
    )
    assert answer.status_code == 303
    page = late.client.get(answer.location)
    assert page.status_code == 200
    fields = fields_of(page.text)
    assert (fields["next"], fields["back"]) == ("/admin/campaigns/1/export.csv", "/admin/campaigns/1/")
    done = late.send("/confirm", **fields, confirm_password=PASSWORD)
    assert 'content="0; url=/admin/campaigns/1/export.csv"' in done.text
    assert late.client.get("/admin/campaigns/1/export.csv").mimetype == "text/csv"


def test_wrong_proofs_are_slowed_down_as_wrong_sign_ins_are(late: Visitor) -> None:
    values = {"email": "new@example.com", "role": "agent", "confirm_with": "password", "confirm_password": "wrong"}
    for _ in range(DEVICE.free):
        late.refused("/users/add", 401, **values)
    slowed = late.send("/users/add", **(values | {"confirm_password": PASSWORD}))
    assert (slowed.status_code, slowed.headers["Retry-After"]) == (429, "1")
    assert "Too many attempts" in slowed.text


def test_a_way_that_is_not_offered_and_a_target_elsewhere_are_refused(panel: Panel, late: Visitor) -> None:
    assert ASKED in late.refused("/users/add", 401, email="a@b", role="agent", confirm_with="nothing")
    answer = late.send("/confirm", next="https://evil.example", confirm_with="password", confirm_password=PASSWORD)
    assert (answer.status_code, answer.location) == (303, "/admin/")
    visitor = panel.visitor()
    assert visitor.client.get("/admin/confirm?next=/admin/users/").location.startswith("/admin/sign-in")


def test_a_role_that_may_not_do_it_is_not_asked(panel: Panel) -> None:
    viewer = panel.of(Role.VIEWER)
    make_late(panel)
    assert viewer.send("/users/add", email="a@b", role="admin").status_code == 403


def test_every_change_of_access_and_every_export_of_many_people_asks(panel: Panel, furnished: None) -> None:
    """A new route of these nouns, or one that is called an export, has to be decided on."""
    exempt = {
        # take access away
        "panel_account.unlink", "panel_account.end_session", "panel_account.end_other_sessions", "panel_users.sign_out",
        "panel_numbers.read", "panel_numbers.resume", "panel_numbers.speed", "panel_numbers.marketing",  # give nobody access
    }  # fmt: skip
    nouns = {"panel_users", "panel_account", "panel_settings", "panel_numbers"}
    access = {rule.endpoint for rule in rules(panel, "POST") if rule.endpoint.partition(".")[0] in nouns}
    exports = {rule.endpoint for rule in rules(panel, "GET") if "export" in rule.rule}
    assert {name for name in access | exports if not needs_confirmation(name)} == exempt & access
    late = panel.of(Role.ADMIN)
    make_late(panel)
    for rule in rules(panel, "POST"):
        if needs_confirmation(rule.endpoint):
            assert ASKED in late.send(path(rule)).text, rule
    for rule in rules(panel, "GET"):
        if needs_confirmation(rule.endpoint):
            assert late.client.get(f"/admin{path(rule)}").location.startswith("/admin/confirm?next="), rule
    fresh = select(BrowserSession.id).where(BrowserSession.confirmed_at > utcnow() - timedelta(minutes=15))
    with panel.rt.database.read() as session:
        assert session.scalars(fresh).all() == []
