"""Second factors in a real browser: a passkey of Chromium's virtual authenticator, and an app by its code."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import CDPSession, expect
from redis import Redis
from sqlalchemy import select

from admin.operations.settings import set_setting
from models.clock import utcnow
from models.tables.second_factor import Passkey
from tests.support.browser import Watched, browsing, serving
from tests.support.panel_app import PASSWORD, Panel, open_panel
from tests.support.running_hark import free_port
from tests.support.second_factors import code_at

pytestmark = [pytest.mark.browser, pytest.mark.sqlite_only]
KEY = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True,
    "automaticPresenceSimulation": True,
}  # fmt: skip


@pytest.fixture
def named(tmp_path: Path, sqlite_url: str, redis: Redis, redis_url: str) -> Iterator[tuple[Panel, Watched]]:
    """A panel that is reached by a name, in a browser."""
    port = free_port()
    with (
        open_panel(tmp_path, sqlite_url, redis_url, public_url=f"http://localhost:{port}") as panel,
        serving(panel, port) as address,
        browsing(address.replace("127.0.0.1", "localhost")) as watched,
    ):
        yield panel, watched


@contextmanager
def authenticator(watched: Watched, **changes: Any) -> Iterator[tuple[CDPSession, str]]:
    """A device of the user's with a fingerprint reader: the way to ask Chromium of it, and its id there."""
    devices = watched.page.context.new_cdp_session(watched.page)
    devices.send("WebAuthn.enable")
    added = devices.send("WebAuthn.addVirtualAuthenticator", {"options": KEY | changes})
    yield devices, added["authenticatorId"]
    devices.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": added["authenticatorId"]})


def add_passkey(watched: Watched, name: str) -> None:
    page = watched.page
    watched.open("/second-factor/")
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Add a passkey").click()


def sign_in_and_add_passkey(browser: Watched, name: str) -> None:
    """The first factor of the user, with which ten recovery codes are shown."""
    browser.sign_in("manager@example.com", PASSWORD)
    add_passkey(browser, name)
    expect(browser.page.locator(".codes code")).to_have_count(10)


def passkeys(panel: Panel) -> list[tuple[str, int]]:
    with panel.rt.database.read() as session:
        return [(row.name, row.sign_count) for row in session.scalars(select(Passkey).order_by(Passkey.id))]


def test_a_passkey_is_added_used_as_second_step_and_alone_and_removed(named: tuple[Panel, Watched]) -> None:
    panel, browser = named
    page = browser.page
    with authenticator(browser):
        browser.sign_in("manager@example.com", PASSWORD)
        add_passkey(browser, "Laptop")
        expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
        expect(page.locator(".codes code")).to_have_count(10)
        page.get_by_role("link", name="I have kept them").click()
        expect(page.get_by_text("Laptop")).to_be_visible()
        add_passkey(browser, "The same again")
        expect(page.get_by_role("alert")).to_have_text("This device has a passkey of yours already.")

        page.context.clear_cookies()
        browser.sign_in("manager@example.com", PASSWORD)
        expect(page.get_by_role("heading", name="Second step")).to_be_visible()
        page.get_by_role("button", name="Use a passkey").click()
        expect(page.get_by_role("heading", name="Home")).to_be_visible()
        (name, count), *others = passkeys(panel)
        assert (name, count > 0, others) == ("Laptop", True, [])

        page.context.clear_cookies()
        browser.open("/sign-in?next=/admin/campaigns/")
        page.get_by_role("button", name="Use a passkey instead").click()
        expect(page.get_by_role("heading", name="Campaigns")).to_be_visible()
        assert passkeys(panel)[0][1] > count

        browser.open("/second-factor/")
        page.get_by_role("button", name="Remove", exact=True).click()
        page.get_by_role("dialog").get_by_role("button", name="Remove").click()
        expect(page.get_by_role("status")).to_have_text("The passkey is removed.")
        page.context.clear_cookies()
        browser.open("/sign-in")
        page.get_by_role("button", name="Use a passkey instead").click()
        expect(page.get_by_role("alert")).to_contain_text("This passkey was not accepted")
    browser.complaints = [text for text in browser.complaints if "401" not in text]  # the refusal itself
    browser.check()


def test_a_copied_passkey_is_noticed_by_its_count(named: tuple[Panel, Watched]) -> None:
    panel, browser = named
    page = browser.page
    with authenticator(browser):
        sign_in_and_add_passkey(browser, "Laptop")
        with panel.rt.database.write() as session:
            session.scalars(select(Passkey)).one().sign_count = 1000
        page.context.clear_cookies()
        browser.sign_in("manager@example.com", PASSWORD)
        page.get_by_role("button", name="Use a passkey").click()
        expect(page.get_by_role("alert")).to_contain_text("This passkey was not accepted")
    assert ("somebody", "factor_failed") in panel.audited()


def test_a_device_that_verified_nobody_is_a_second_step_and_no_sign_in_of_its_own(named: tuple[Panel, Watched]) -> None:
    _, browser = named
    page = browser.page
    with authenticator(browser, hasUserVerification=False, isUserVerified=False, hasResidentKey=False, transport="usb"):
        sign_in_and_add_passkey(browser, "Key")
        page.context.clear_cookies()
        browser.sign_in("manager@example.com", PASSWORD)
        page.get_by_role("button", name="Use a passkey").click()
        expect(page.get_by_role("heading", name="Home")).to_be_visible()


def test_what_a_passkey_answered_counts_once(named: tuple[Panel, Watched]) -> None:
    panel, browser = named
    page = browser.page
    with authenticator(browser):
        sign_in_and_add_passkey(browser, "Laptop")
        page.context.clear_cookies()
        browser.sign_in("manager@example.com", PASSWORD)
        with page.expect_request(lambda request: request.method == "POST" and "second-step" in request.url) as sent:
            page.get_by_role("button", name="Use a passkey").click()
        expect(page.get_by_role("heading", name="Home")).to_be_visible()
    (answer,) = parse_qs(sent.value.post_data or "")["passkey"]
    thief = panel.visitor()
    thief.sign_in("manager@example.com")
    refused = thief.refused("/second-step", 401, passkey=answer)
    assert "was sent before" in refused
    for odd in ("{}", "[]", "x", '{"id": 7, "response": {"clientDataJSON": "e30"}}', "{" * 20_000, answer[:-40]):
        thief.refused("/second-step", 401, passkey=odd)


def test_who_must_have_a_factor_sets_up_an_app_with_the_keyboard_alone(named: tuple[Panel, Watched]) -> None:
    panel, browser = named
    page = browser.page
    set_setting(panel.rt, "second_factor_roles", "manager", "test")
    browser.sign_in("manager@example.com", PASSWORD)
    expect(page.get_by_text("Your role needs a second factor.")).to_be_visible()
    page.get_by_role("button", name="Set up an app").focus()
    page.keyboard.press("Enter")
    secret = (page.locator("code.secret").text_content() or "").replace(" ", "")
    expect(page.locator(".qr svg")).to_be_visible()
    page.get_by_label("Code", exact=True).fill(code_at(secret, utcnow()))
    page.keyboard.press("Enter")
    expect(page.locator(".codes code")).to_have_count(10)
    browser.open("/campaigns/")
    expect(page.get_by_role("heading", name="Campaigns")).to_be_visible()
    browser.check()
    assert ("manager@example.com", "enroll_factor") in panel.audited()
