"""A real browser at the panel, which may reach this machine alone and must have nothing to complain about."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from shutil import which
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from werkzeug.serving import make_server

from tests.support.panel_app import Panel

CHROMIUM = which("chromium") or which("chromium-browser") or which("google-chrome")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
]  # fmt: skip

PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)  # a busy machine is no failure
WAITS_FOR_THE_PAGE = """
new MutationObserver((_, observer) => {
  if (!document.documentElement) return;
  observer.disconnect();
  if (document.readyState === "complete") return;
  document.documentElement.style.visibility = "hidden";
  addEventListener("load", () => document.documentElement.style.removeProperty("visibility"));
}).observe(document, { childList: true, subtree: true });
"""
"""A person clicks after the page's scripts run; Playwright, which waits for what it clicks to be visible, does so with this."""


class Watched:
    """A page, and what it did that it should not have done."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.outside: list[str] = []
        self.complaints: list[str] = []
        page.on("request", self._request)
        page.on(
            "console", lambda said: self.complaints.append(said.text) if said.type in {"error", "warning"} else None
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _request(self, request: Any) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.outside.append(request.url)

    def open(self, path: str) -> None:
        """A page of the panel."""
        self.page.goto(f"{self.address}/admin{path}")

    def sign_in(self, email: str, password: str) -> None:
        """By the form."""
        self.open("/sign-in")
        self.page.get_by_label("E-mail").fill(email)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(lambda url: "/sign-in" not in url)  # opening another page before would interrupt it

    def check(self) -> None:
        """It reached nobody else and had nothing to complain about."""
        assert self.outside == []
        assert self.complaints == []


@contextmanager
def serving(panel: Panel, port: int = 0) -> Iterator[str]:
    """The panel on a port of its own; its address."""
    server = make_server("127.0.0.1", port, panel.shell.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(5)


@contextmanager
def browsing(address: str, **context: Any) -> Iterator[Watched]:
    """A page of a browser of its own. Skipped where there is no Chromium."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, timeout=PATIENCE_MS)
        try:
            page = browser.new_context(locale="en-GB", **context).new_page()
            page.set_default_timeout(PATIENCE_MS)
            page.add_init_script(WAITS_FOR_THE_PAGE)
            yield Watched(page, address)
        finally:
            browser.close()
