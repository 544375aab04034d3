"""Every page and every change: who may, and with what token."""

import re

import pytest
from sqlalchemy import func, select

from models.tables.audit import Audit
from models.tables.user import Role
from tests.support.panel_app import Panel, Visitor
from tests.support.panel_routes import path, rules

pytestmark = pytest.mark.usefixtures("furnished")
OPEN_TO_ALL = {
    "panel.sign_in", "panel.sign_out", "panel.password", "panel.confirm", "panel.second_step", "panel.passkey_options",
    "panel.sign_in_passkey",
}  # fmt: skip
NEEDS = {
    # the role that each noun's changes need; what is not here is the administrator's
    "panel_campaigns": Role.MANAGER, "panel_contacts": Role.MANAGER, "panel_tags": Role.MANAGER, "panel_lists": Role.MANAGER,
    "panel_attributes": Role.MANAGER, "panel_account": Role.VIEWER, "panel_second_factor": Role.VIEWER,
    "panel_restored": Role.MANAGER,
    "panel_segments": Role.MANAGER, "panel_templates": Role.MANAGER, "panel_flows": Role.MANAGER, "panel_inbox": Role.AGENT,
    "panel_flow_secrets": Role.MANAGER, "panel_media": Role.MANAGER,
    "panel_catalog": Role.MANAGER, "panel_money": Role.MANAGER,
    "panel_contacts.consent": Role.AGENT, "panel_contacts.redact": Role.ADMIN, "panel_numbers.read": Role.MANAGER,
}  # fmt: skip
NOT_FOR_VIEWERS = {
    "panel_exports",
    "panel_users",
    "panel_audit",
    "panel_dead_letters",
    "panel_settings",
    "panel_flow_secrets",
}


FORMS = {"new", "edit", "load", "library", "schedule", "test", "person", "proof", "conversions"}


def looked_at(endpoint: str) -> set[int]:
    """What a page answers to somebody who may see it. A comparison of no campaigns leads to where they are chosen."""
    return {303} if endpoint == "panel_results.compare_csv" else {200}


def changes(panel: Panel) -> int:
    with panel.rt.database.read() as session:
        return session.scalar(select(func.count()).select_from(Audit).where(Audit.action != "sign_in")) or 0


@pytest.mark.sqlite_only
def test_every_change_needs_the_token(panel: Panel) -> None:
    admin, before = panel.of(Role.ADMIN), changes(panel)
    posts = rules(panel, "POST")
    assert len(posts) > 40
    for rule in posts:
        for fields in ({}, {"csrf_token": ""}, {"csrf_token": "x" * 43}):
            assert admin.client.post(f"/admin{path(rule)}", data=fields).status_code == 400, rule
    assert changes(panel) == before


@pytest.mark.sqlite_only
def test_no_change_happens_by_looking(panel: Panel) -> None:
    admin = panel.of(Role.ADMIN)
    for rule in rules(panel, "POST"):
        if "GET" not in (rule.methods or set()):
            assert admin.client.get(f"/admin{path(rule)}").status_code == 405, rule


@pytest.mark.sqlite_only
def test_whoever_is_not_signed_in_changes_nothing_even_with_a_token(panel: Panel) -> None:
    visitor, before = panel.visitor(), changes(panel)
    for rule in rules(panel, "POST"):
        if rule.endpoint not in OPEN_TO_ALL:
            answer = visitor.send(path(rule))
            assert answer.location.startswith("/admin/sign-in"), rule
    assert changes(panel) == before


@pytest.mark.sqlite_only
@pytest.mark.parametrize("role", [Role.VIEWER, Role.AGENT, Role.MANAGER])
def test_each_role_changes_what_is_its_own_and_nothing_else(role: Role, panel: Panel) -> None:
    somebody, order = panel.of(role), list(Role)
    for rule in rules(panel, "POST"):
        if rule.endpoint in OPEN_TO_ALL:
            continue
        noun = rule.endpoint.partition(".")[0]
        needed = NEEDS.get(rule.endpoint, NEEDS.get(noun, Role.ADMIN) if noun != "panel_numbers" else Role.ADMIN)
        if order.index(role) < order.index(needed):
            assert somebody.send(path(rule)).status_code == 403, rule


def pages_of(panel: Panel, somebody: Visitor, role: Role) -> dict[str, int]:
    found = {}
    for rule in rules(panel, "GET"):
        if not rule.endpoint.startswith("panel.") and path(rule):
            found[rule.endpoint] = somebody.client.get(f"/admin{path(rule)}").status_code
    return found


def test_every_page_opens_for_an_administrator(panel: Panel) -> None:
    admin = panel.of(Role.ADMIN)
    for endpoint, status in pages_of(panel, admin, Role.ADMIN).items():
        # Campaign 1 has started: its form says so and leads back to its page.
        assert status in ({200, 303} if endpoint == "panel_campaigns.edit" else looked_at(endpoint)), (endpoint, status)


@pytest.mark.sqlite_only
def test_a_viewer_reads_everything_but_what_is_an_administrators(panel: Panel) -> None:
    viewer = panel.of(Role.VIEWER)
    for endpoint, status in pages_of(panel, viewer, Role.VIEWER).items():
        noun, _, name = endpoint.partition(".")
        is_form = name in FORMS or name.startswith(("import", "mend", "export", "follow_up", "statement_"))
        expected = {403} if noun in NOT_FOR_VIEWERS or is_form else looked_at(endpoint)
        assert status in expected, (endpoint, status)


@pytest.mark.sqlite_only
def test_pages_hold_no_script_and_no_style_of_their_own_and_name_no_other_host(panel: Panel) -> None:
    admin = panel.of(Role.ADMIN)
    for rule in rules(panel, "GET"):
        answer = admin.client.get(f"/admin{path(rule)}", follow_redirects=True)
        if answer.mimetype != "text/html":
            continue
        assert not re.search(r"<script(?![^>]*\bsrc=)", answer.text), rule
        assert not re.search(r"\s(style|on\w+)=\"", answer.text), rule
        for address in re.findall(r"(?:src|href|action)=\"([^\"]*)\"", answer.text):
            assert address.startswith(("/admin", "#", "?")) or address == "", (rule, address)


@pytest.mark.sqlite_only
@pytest.mark.parametrize("noun", ["nothing", "dead-letters", "campaigns", "contacts", "inbox", "flows", "segments"])
def test_what_is_not_there_is_a_page_that_says_so(noun: str, panel: Panel) -> None:
    assert "no such page" in panel.of(Role.ADMIN).get(f"/{noun}/999/", 404)


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    "address",
    ["/campaigns/?before=x", "/campaigns/1/people?status=nonsense&reason=nonsense&after=-1", "/contacts/?consent=x&list=y&after=z",
     "/contacts/?q=%00&tag=%F0%9F%98%80", "/inbox/?before=nonsense&show=x", "/flows/1/?version=999999999999999999999",
     "/audit/?actor=%27%3B--", "/templates/?account=x&after=99999999999999999999", "/campaigns/1/?check=1",
     "/dead-letters/?q=%00%ff&state=x&before=nonsense"],
)  # fmt: skip
def test_odd_questions_get_an_answer(address: str, panel: Panel) -> None:
    assert panel.of(Role.ADMIN).client.get(f"/admin{address}").status_code in {200, 404}


@pytest.mark.sqlite_only
def test_what_people_wrote_is_text_and_nothing_else(panel: Panel) -> None:
    admin = panel.of(Role.ADMIN)
    evil = "<script>alert(1)</script>"
    page = admin.post("/contacts/new", phone="+447700900055", name=evil, consent="unknown")
    assert evil not in page
    assert "&lt;script&gt;" in page


@pytest.mark.sqlite_only
def test_an_upload_of_a_stranger_is_not_even_read(panel: Panel) -> None:
    answer = panel.visitor().client.post("/admin/contacts/import", data={"file": "x" * 200_000})
    assert answer.status_code in {400, 413}


@pytest.mark.sqlite_only
def test_a_failure_of_ours_is_a_page_without_its_cause(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("+34600000001 and a secret")

    monkeypatch.setattr("admin.panel.contacts.view.search_contacts", broken)
    page = panel.of(Role.ADMIN).get("/contacts/", 500)
    assert "Something broke" in page
    assert "secret" not in page
    assert "Traceback" not in page
