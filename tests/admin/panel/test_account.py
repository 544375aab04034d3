"""One's own account, and the phone from which one gives commands."""

import re

import pytest
from sqlalchemy import select

from models.clock import utcnow
from models.events.messages.link_codes import normalize_code
from models.tables.phone_link import LinkOutcome, PhoneLinkCode, link_code_hash
from models.tables.user import Role, User
from tests.support.panel_app import Panel, said

pytestmark = pytest.mark.sqlite_only

_CODE = re.compile(r"/link ([0-9A-Z]{5}-[0-9A-Z]{5})")


def stored_code(panel: Panel) -> PhoneLinkCode:
    with panel.rt.database.read() as session:
        return session.scalars(select(PhoneLinkCode)).one()


def shown_code(page: str) -> str:
    match = _CODE.search(said(page))
    assert match, said(page)
    return match[1]


def give_phone(panel: Panel, user_id: int) -> None:
    with panel.rt.database.write() as session:
        user = session.get_one(User, user_id)
        user.phone, user.phone_verified_at = "+34600010001", utcnow()


def test_everybody_links_and_unlinks_their_own_phone_on_their_page(panel: Panel) -> None:
    viewer = panel.of(Role.VIEWER)
    assert 'href="/admin/account/"' in viewer.get("/")
    assert "No phone is linked." in said(viewer.get("/account/"))
    code = shown_code(viewer.send("/account/link-code").text)
    assert stored_code(panel).code_hash == link_code_hash(normalize_code(code))
    page = viewer.get("/account/")
    assert code not in page
    assert "A code waits to be sent" in said(page)
    give_phone(panel, stored_code(panel).user_id)
    assert "+34600010001" in said(viewer.get("/account/"))
    assert "Your phone gives no more commands." in said(viewer.post("/account/unlink"))
    assert {("viewer@example.com", "link_code"), ("viewer@example.com", "unlink_phone")} <= set(panel.audited())


def test_the_page_says_that_the_phone_belongs_to_another_user(panel: Panel) -> None:
    viewer = panel.of(Role.VIEWER)
    viewer.send("/account/link-code")
    with panel.rt.database.write() as session:
        row = session.get_one(PhoneLinkCode, stored_code(panel).user_id)
        row.used_at, row.outcome = utcnow(), LinkOutcome.PHONE_TAKEN
    assert "is linked to another user. Unlink it there first." in said(viewer.get("/account/"))


def test_an_administrator_does_it_for_others_and_nobody_else_may(panel: Panel) -> None:
    admin, viewer = panel.of(Role.ADMIN), panel.of(Role.VIEWER)
    viewer.send("/account/link-code")
    user_id = stored_code(panel).user_id
    page = admin.send(f"/users/{user_id}/link-code").text
    assert "From the phone of viewer@example.com send" in said(page)
    assert stored_code(panel).code_hash == link_code_hash(normalize_code(shown_code(page)))
    assert viewer.send(f"/users/{user_id}/link-code").status_code == 403
    give_phone(panel, user_id)
    assert "+34600010001" in admin.get("/users/")
    assert "Their phone gives no more commands." in said(admin.post(f"/users/{user_id}/unlink"))
    assert "+34600010001" not in admin.get("/users/")
