"""Single sign-on in a real browser, by a real provider of OpenID Connect that runs on this machine."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from oidc_provider_mock import User, run_server_in_thread
from playwright.sync_api import expect
from redis import Redis

from admin.auth.users import find_user
from models.oidc_settings import OidcSettings
from models.tables.user import Role
from tests.support.browser import Watched, browsing, serving
from tests.support.panel_app import Panel, open_panel
from tests.support.running_hark import free_port

pytestmark = [pytest.mark.browser, pytest.mark.sqlite_only]


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A provider that knows a manager, and somebody without a role; its address."""
    monkeypatch.setitem(os.environ, "AUTHLIB_INSECURE_TRANSPORT", "1")  # it asks for https otherwise
    people = [
        User(sub="ana", claims={"email": "ana@example.com", "email_verified": True, "roles": ["manager"]}),
        User(sub="ben", claims={"email": "ben@example.com", "email_verified": True, "roles": ["guest"]}),
    ]
    with run_server_in_thread(user_claims=people, require_nonce=True) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def visiting(
    provider: str, tmp_path: Path, sqlite_url: str, redis: Redis, redis_url: str
) -> Iterator[tuple[Panel, Watched]]:
    """A panel that has the provider, in a browser."""
    port, settings = free_port(), OidcSettings(provider, "hark", "secret", "roles")
    with (
        open_panel(tmp_path, sqlite_url, redis_url, oidc=settings, public_url=f"http://127.0.0.1:{port}") as panel,
        serving(panel, port) as address,
        browsing(address) as watched,
    ):
        yield panel, watched


def sign_on(browser: Watched, name: str) -> None:
    browser.page.get_by_role("link", name="Single sign-on").click()
    browser.page.get_by_role("button", name=name).first.click()


def test_a_person_of_the_provider_comes_in_and_who_has_no_role_does_not(visiting: tuple[Panel, Watched]) -> None:
    panel, browser = visiting
    page = browser.page
    browser.open("/campaigns/")
    sign_on(browser, "ben")
    expect(page.get_by_role("alert")).to_contain_text("no role in Hark")
    sign_on(browser, "ana")
    expect(page.get_by_role("heading", name="Campaigns")).to_be_visible()
    assert find_user(panel.rt, "ana@example.com").role is Role.MANAGER
    page.context.clear_cookies()
    browser.open("/sign-in")
    sign_on(browser, "ana")
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    page.context.clear_cookies()
    browser.open("/sign-in")
    page.get_by_role("link", name="Single sign-on").click()
    page.get_by_role("button", name="Deny").click()
    expect(page.get_by_role("alert")).to_contain_text("You were not signed in at the provider")
