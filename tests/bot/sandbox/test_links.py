"""People open links on their phones, really over HTTP, and on this machine alone."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from bot.sandbox.links import PHONE, PREVIEW, is_on_this_machine
from bot.sandbox.seed import WABA_ID
from tests.support.sandbox_client import Caller, wamid_of

SHOP = "https://shop.example/spring"


class Site:
    """A web server that redirects /l/<code> and knows nothing else."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append((self.path, str(self.headers["User-Agent"])))
                self.send_response(302 if self.path.startswith("/l/") else 404)
                self.send_header("Location", SHOP)
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def add_template(meta: Caller, base: str) -> None:
    buttons = [
        {"type": "QUICK_REPLY", "text": "More"},
        {"type": "URL", "text": "Shop", "url": f"{base}/l/{{{{1}}}}", "example": [f"{base}/l/x"]},
    ]
    components = [{"type": "BODY", "text": "Spring"}, {"type": "BUTTONS", "buttons": buttons}]
    template = {
        "name": "linked",
        "language": "en",
        "category": "MARKETING",
        "status": "APPROVED",
        "components": components,
    }
    meta.handle.call(meta.handle.sim.world.add_template, WABA_ID, template)


def send(meta: Caller, phone: str, code: str) -> str:
    button = {"type": "button", "sub_type": "url", "index": "1", "parameters": [{"type": "text", "text": code}]}
    template = {"name": "linked", "language": {"code": "en"}, "components": [button]}
    return wamid_of(meta.post({"to": phone, "type": "template", "template": template}))


def test_a_tap_on_a_link_opens_it_and_says_nothing(meta: Caller, site: Site) -> None:
    add_template(meta, site.url)
    wamid = send(meta, "+34600000001", "abc")
    tap = {"phone": "+34600000001", "wamid": wamid, "choice": 1}
    opened = meta.control.post("/inbound", json=tap).json()
    assert opened == {"opened": f"{site.url}/l/abc", "status": 302, "location": SHOP}
    assert site.asked == [("/l/abc", PHONE)]
    assert 'data-choice="1"' in meta.control.get("/page").json()["chat"]
    assert meta.handle.stats()["links"] == {"answers": {"302": 1}, "people": 1, "previews": 0}
    assert meta.handle.stats()["replies"]["total"] == 0


def test_people_who_read_open_the_link_of_their_message(meta: Caller, site: Site) -> None:
    add_template(meta, site.url)
    meta.handle.configure(click_share=1.0, read_share=1.0, preview_share=1.0)
    for place in range(5):
        send(meta, f"+3460000000{place}", f"code{place}")
    meta.rest()
    assert sorted(path for path, agent in site.asked if agent == PHONE) == [f"/l/code{place}" for place in range(5)]
    assert sum(agent == PREVIEW for _, agent in site.asked) == 5
    assert meta.handle.stats()["links"] == {"answers": {"302": 5}, "people": 5, "previews": 5}


def test_a_link_elsewhere_is_never_opened(meta: Caller) -> None:
    add_template(meta, "https://shop.example")
    meta.handle.configure(click_share=1.0, read_share=1.0)
    wamid = send(meta, "+34600000001", "abc")
    meta.rest()
    refused = meta.control.post("/inbound", json={"phone": "+34600000001", "wamid": wamid, "choice": 1})
    assert refused.status_code == 400
    assert meta.handle.stats()["links"]["answers"] == {}
    for url in ("http://localhost:1/x", "http://[::1]/"):
        assert is_on_this_machine(url)
    for url in ("https://shop.example", "file:///etc/passwd", "http://127.0.0.1.nip.io", "http://[", ""):
        assert not is_on_this_machine(url)
