"""`flask up` as somebody uses it through its one port: signs in, uploads, downloads, while processes are killed."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from admin.auth.users import add_user
from bot.webhooks.signature import sign
from models.tables.user import Role
from tests.support.running_hark import SECRETS, Installation, wait_for

pytestmark = [pytest.mark.process, pytest.mark.redis]
PASSWORD = "correct horse battery staple"
EVENT = b'{"object":"whatsapp_business_account","entry":[]}'
SIGNED = {"X-Hub-Signature-256": sign(SECRETS["META_APP_SECRET"], EVENT)}


@pytest.fixture
def installation(directory: Path, sqlite_url: str) -> Iterator[Installation]:
    """One that runs, with an administrator."""
    hark = Installation(directory, sqlite_url)
    try:
        add_user(hark.rt, "ana@example.com", Role.ADMIN, PASSWORD, "test")
        hark.up()
        yield hark
    finally:
        hark.close()


def browser_of(hark: Installation) -> httpx.Client:
    return httpx.Client(base_url=f"http://127.0.0.1:{hark.web_port}", timeout=60, trust_env=False)


def token_of(page: httpx.Response) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    assert found, page.text[:500]
    return found[1]


def sign_in(browser: httpx.Client) -> None:
    fields = {"csrf_token": token_of(browser.get("/admin/sign-in")), "email": "ana@example.com", "password": PASSWORD}
    assert browser.post("/admin/sign-in", data=fields).status_code == 303


def post_event(browser: httpx.Client) -> int:
    """The status; 0 while nobody listens."""
    try:
        return browser.post("/webhooks/whatsapp", content=EVENT, headers=SIGNED).status_code
    except httpx.HTTPError:
        return 0


def status_of_panel(browser: httpx.Client) -> int:
    try:
        return browser.get("/admin/contacts/import").status_code
    except httpx.HTTPError:
        return 0


def test_the_panel_works_through_the_front_server_and_each_outlives_the_other(installation: Installation) -> None:
    with browser_of(installation) as browser:
        sign_in(browser)
        rows = b"phone,name\n" + b"".join(b"+34600%06d,Somebody %d\n" % (n, n) for n in range(200_000))
        form = browser.get("/admin/contacts/import")
        answer = browser.post(
            "/admin/contacts/import",
            data={"csrf_token": token_of(form)},
            files={"file": ("people.csv", rows, "text/csv")},
        )
        assert answer.is_redirect, answer.text
        assert answer.headers["Location"].startswith("/admin/contacts/import/")
        stored = [path.stat().st_size for path in (installation.var_dir / "imports").rglob("*") if path.is_file()]
        assert max(stored) == len(rows)
        export = browser.get(f"/admin/campaigns/{installation.prepare(3, pace=10)}/export.csv")
        assert (export.status_code, export.text.count("\n") >= 1) == (200, True)
        kill_web(installation, browser)
        kill_front(installation, browser)
    assert installation.stop() == 0
    assert "front did not stop" not in installation.tail()


def kill_web(hark: Installation, browser: httpx.Client) -> None:
    """Webhooks go on while there is no panel, and one page says so."""
    assert hark.kill("web")
    seen: set[int] = set()
    deadline = time.monotonic() + 60
    while not ({502, 503} & seen and 200 in seen):
        assert post_event(browser) == 200
        seen.add(status_of_panel(browser))
        assert time.monotonic() < deadline, seen
    assert seen <= {200, 502, 503}


def kill_front(hark: Installation, browser: httpx.Client) -> None:
    """The panel's process stays, and the front server comes back."""
    web = hark.pids()["web"]
    assert hark.kill("front")
    wait_for(lambda: post_event(browser) == 200 and status_of_panel(browser) == 200, 60, "the front server is back")
    assert hark.pids()["web"] == web
