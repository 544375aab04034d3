"""One's sessions and the question who one is, in a real browser: by clicks, by the keyboard, on a phone."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import update

from admin.auth.users import find_user
from models.clock import utcnow
from models.tables.browser_session import BrowserSession
from models.tables.user import Role
from tests.support.browser import browsing, serving
from tests.support.panel_app import PASSWORD, Panel
from tests.support.panel_seed import furnish

pytestmark = [pytest.mark.browser, pytest.mark.sqlite_only]


@pytest.fixture
def served(panel: Panel) -> Iterator[str]:
    """The address of the panel."""
    with serving(panel) as address:
        yield address


def make_late(panel: Panel) -> None:
    with panel.rt.database.write() as session:
        session.execute(update(BrowserSession).values(confirmed_at=utcnow() - timedelta(minutes=16)))


def test_other_browsers_are_signed_out_by_a_click_and_after_a_question(panel: Panel, served: str) -> None:
    others = [panel.of(Role.ADMIN) for _ in range(3)]
    with browsing(served) as watched:
        page = watched.page
        watched.sign_in("admin@example.com", PASSWORD)
        page.get_by_title("Your account").click()
        expect(page.get_by_text("This browser")).to_have_count(1)
        page.get_by_role("button", name="End", exact=True).first.click()
        expect(page.get_by_role("status")).to_have_text("That browser is signed out.")
        page.get_by_role("button", name="Sign out everywhere else").click()
        page.get_by_role("dialog").get_by_role("button", name="Sign out everywhere else").click()
        expect(page.get_by_role("status")).to_have_text("You are signed out everywhere else.")
        expect(page.get_by_role("button", name="End", exact=True)).to_have_count(0)
        watched.check()
    assert [other.client.get("/admin/").status_code for other in others] == [302, 302, 302]


def test_a_change_of_access_asks_first_and_goes_on_by_the_keyboard_alone(panel: Panel, served: str) -> None:
    with browsing(served) as watched:
        page = watched.page
        page.set_viewport_size({"width": 390, "height": 844})
        watched.sign_in("admin@example.com", PASSWORD)
        page.goto(f"{served}/admin/users/")
        make_late(panel)
        page.get_by_label("E-mail").fill("new@example.com")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
        page.get_by_label("Your password").focus()
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("new@example.com")
        assert watched.outside == []
    assert find_user(panel.rt, "new@example.com").role is Role.VIEWER


def test_an_export_asks_first_and_the_file_comes_by_itself(panel: Panel, served: str) -> None:
    furnish(panel.rt)
    with browsing(served) as watched:
        page = watched.page
        watched.sign_in("manager@example.com", PASSWORD)
        page.goto(f"{served}/admin/campaigns/1/")
        page.get_by_role("link", name="Export", exact=True).click()
        make_late(panel)
        page.get_by_role("button", name="Export as CSV").click()
        page.get_by_label("Your password").fill(PASSWORD)
        with page.expect_download() as download:
            page.get_by_role("button", name="Confirm and go on").click()
        assert download.value.suggested_filename.endswith(".csv")
        page.get_by_role("link", name="Back").click()
        expect(page.get_by_role("button", name="Export as CSV")).to_be_visible()
