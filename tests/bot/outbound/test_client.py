"""Calls to other people's systems: where they may go, and what comes back."""

import asyncio
import hashlib
import hmac
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from bot.outbound.client import (
    Answer,
    ForbiddenAddressError,
    OutboundHttpClient,
    UnreachableError,
    sign_request,
)
from bot.outbound.rules import OutboundRules, is_public
from models.outbound_targets import parse_targets
from tests.support.tls_server import Outsider, outsider


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Outsider]:
    with outsider(tmp_path) as found:
        yield found


def call(
    other: Outsider | None, url: str, *, is_allowed: Any = lambda _: True, allow: str = "", seconds: float = 5
) -> Answer:
    async def once() -> Answer:
        client = OutboundHttpClient(OutboundRules(parse_targets(allow), is_allowed), tls=other.tls if other else None)
        try:
            return await client.call("POST", url, {"X-Shop": "1", "Host": "evil.example"}, b'{"a":1}', seconds)
        finally:
            await client.close()

    return asyncio.run(once())


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://user@example.com/",
        "https:///x",
        "https://[::1",
        "ftp://example.com/",
    ],
)
def test_what_is_no_public_https_address_is_never_called(url: str) -> None:
    with pytest.raises(ForbiddenAddressError):
        call(None, url, is_allowed=is_public)


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "2130706433",
        "0x7f000001",
        "127.1",
        "127。0。0。1",
        "127.0.0.1.",
        "127.0.0.1",
        "①27.0.0.1",
        "[::ffff:127.0.0.1]",
    ],
)
def test_a_name_that_leads_to_this_machine_is_refused(other: Outsider, host: str) -> None:
    port = other.url.rsplit(":", 1)[1]
    other.answers = [(200, {}, b"{}")]
    with pytest.raises((ForbiddenAddressError, UnreachableError)):
        call(other, f"https://{host}:{port}/", is_allowed=is_public)
    assert other.requests == []


def test_one_private_address_among_public_ones_is_enough_to_refuse(
    other: Outsider, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 443)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 443)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(ForbiddenAddressError):
        call(other, "https://rebinding.example/", is_allowed=is_public)


def test_an_answer_comes_back_as_json(other: Outsider) -> None:
    other.answers = [(200, {"Content-Type": "application/json"}, b'{"time": "10:00"}')]
    assert call(other, f"{other.url}/slots?day=1") == Answer(200, {"time": "10:00"})
    path, headers, body = other.requests[0]
    assert (path, body, headers["X-Shop"]) == ("/slots?day=1", b'{"a":1}', "1")
    assert headers["Host"].startswith("localhost")
    assert headers["Content-Type"] == "application/json"


def test_an_answer_that_is_no_json_has_no_body(other: Outsider) -> None:
    other.answers = [(404, {}, b"<html>")]
    answer = call(other, other.url)
    assert answer == Answer(404, None)
    assert not answer.is_ok


def test_a_redirect_is_not_followed(other: Outsider) -> None:
    other.answers = [(302, {"Location": f"{other.url}/elsewhere"}, b"")]
    assert call(other, other.url).status == 302
    assert len(other.requests) == 1


def test_a_long_answer_is_not_read_to_its_end(other: Outsider) -> None:
    other.answers = [(200, {}, b'"' + b"x" * 100_000 + b'"')]
    with pytest.raises(ForbiddenAddressError, match="longer"):
        call(other, other.url)


def test_a_slow_answer_and_a_broken_server_may_be_tried_again(other: Outsider) -> None:
    is_over = Event()

    def late() -> tuple[int, dict[str, str], bytes]:
        is_over.wait(60)
        return 200, {}, b""

    other.answers = [late, (503, {}, b"")]
    with pytest.raises(UnreachableError):
        call(other, other.url, seconds=1.0)
    is_over.set()
    with pytest.raises(UnreachableError, match="503"):
        call(other, other.url)


def test_a_certificate_that_nobody_vouches_for_is_no_answer(other: Outsider) -> None:
    other.answers = [(200, {}, b"{}")]
    with pytest.raises(UnreachableError):
        call(None, other.url)
    assert other.requests == []


def test_a_signature_covers_the_time_and_the_body() -> None:
    headers = sign_request("secret", 1700000000, b'{"a":1}')
    expected = hmac.new(b"secret", b'1700000000.{"a":1}', hashlib.sha256).hexdigest()
    assert headers == {"X-Hark-Timestamp": "1700000000", "X-Hark-Signature-256": f"sha256={expected}"}


def test_what_the_operator_allows_is_called_although_it_is_private(other: Outsider) -> None:
    other.answers = [(200, {}, b"{}")]
    port = other.url.rsplit(":", 1)[1]
    for allowed in ("localhost", f"localhost:{port}", "127.0.0.0/8, ::1", f"127.0.0.1:{port}, [::1]:{port}"):
        assert call(other, other.url, is_allowed=is_public, allow=allowed).is_ok, allowed
    for allowed in ("localhost:1", "10.0.0.0/8", "127.0.0.1:1, ::1", "ocalhost"):
        with pytest.raises(ForbiddenAddressError):
            call(other, other.url, is_allowed=is_public, allow=allowed)


def test_http_without_tls_is_for_what_the_operator_allows() -> None:
    with plain_server() as url:
        with pytest.raises(ForbiddenAddressError):
            call(None, url)
        assert call(None, url, allow="127.0.0.1").is_ok
        assert call(None, url.replace("127.0.0.1", "localhost"), allow="127.0.0.0/8, ::1").is_ok


@contextmanager
def plain_server() -> Iterator[str]:
    """A server that says {} without TLS."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
