"""What the front server passes on to the panel and back."""

import asyncio
import hashlib
import json
import socket
import threading
import time
from typing import Any

import pytest
from aiohttp import web

from admin.front.limits import FrontLimits
from admin.front.panel_link import peer_token
from models.config import Settings
from tests.support.front_rig import Front, event_request, get, is_closed_within, read_all, running_front, status_of

MIB = 1024 * 1024
TOKEN = peer_token("k")


def seen_by_panel(front: Front, request: bytes, *, source: str = "127.0.0.1") -> dict[str, Any]:
    answer = front.ask(request, source=source)
    assert status_of(answer) == 200, answer
    seen: dict[str, Any] = json.loads(answer.partition(b"\r\n\r\n")[2])
    return seen


def posted(body: bytes, *headers: str, path: str = "/admin/x") -> bytes:
    head = [f"POST {path} HTTP/1.1", "Host: h", "Connection: close", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(head).encode() + body


def test_the_panel_gets_target_host_and_headers_as_the_client_wrote_them(front: Front) -> None:
    seen = seen_by_panel(
        front, get("/admin/a%2Fb//%20?q=%C3%A9&a=1&a=2", "Accept-Encoding: br", "Cookie: a=1; b=2", "X-B: 1", "X-B: 2")
    )
    assert (seen["method"], seen["target"]) == ("GET", "/admin/a%2Fb//%20?q=%C3%A9&a=1&a=2")
    assert [pair for pair in seen["headers"] if pair[0] not in {"X-Hark-Peer", "Connection"}] == [
        ["Host", "hark.example.com"], ["Accept-Encoding", "br"], ["Cookie", "a=1; b=2"], ["X-B", "1"], ["X-B", "2"],
    ]  # fmt: skip


def test_the_panel_gets_the_address_of_the_connection_and_no_client_can_claim_another(front: Front) -> None:
    forged = ("X-Hark-Peer: 6.6.6.6 x", "x-hark-peer: 6.6.6.6", "X_Hark_Peer: 6.6.6.6", "X_Forwarded-For: 6.6.6.6")
    seen = seen_by_panel(front, get("/admin/", *forged, "X-Forwarded-For: 203.0.113.9"), source="127.0.0.5")
    named = [pair for pair in seen["headers"] if "peer" in pair[0].lower() or "forwarded" in pair[0].lower()]
    assert sorted(named) == [["X-Forwarded-For", "203.0.113.9"], ["X-Hark-Peer", f"127.0.0.5 {TOKEN}"]]


def test_what_belongs_to_one_connection_alone_stays_there(front: Front) -> None:
    hops = ("Keep-Alive: 5", "TE: trailers", "Upgrade: h2c", "Proxy-Authorization: x", "X-Mine: 1", "X-Yours: 2")
    request = get("/admin/", *hops).replace(b"Connection: close", b"Connection: close, X-Mine, Upgrade")
    names = {name for name, _ in seen_by_panel(front, request)["headers"]}
    assert names == {"Host", "X-Yours", "X-Hark-Peer", "Connection"}


@pytest.mark.parametrize("size", [0, 1, 70_000, 5 * MIB])
def test_a_body_of_any_length_arrives_whole_and_leaves_nothing(
    front: Front, settings_of_front: Settings, size: int
) -> None:
    seen = seen_by_panel(front, posted(b"x" * size))
    assert (seen["method"], seen["size"]) == ("POST", size)
    assert ["Content-Length", str(size)] in seen["headers"]
    assert not [path for path in settings_of_front.var_dir.rglob("*") if path.is_file()]


def test_a_chunked_body_arrives_with_its_length(front: Front) -> None:
    request = posted(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\n\r\n"
    seen = seen_by_panel(front, request)
    assert (seen["size"], ["Content-Length", "3"] in seen["headers"]) == (3, True)


def test_a_body_larger_than_the_panel_takes_is_refused(front: Front) -> None:
    with front.connect() as client:
        client.sendall(posted(b"").replace(b"Content-Length: 0", b"Content-Length: 999999999"))
        assert client.recv(4096).startswith(b"HTTP/1.1 413")


def test_slow_bodies_never_reach_the_panel(settings_of_front: Settings) -> None:
    asked: list[str] = []

    async def panel(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.method)
        return web.Response(text="panel")

    limits = FrontLimits(body_seconds=0.5, slowest_rate=200_000, stop_seconds=0.5)
    with running_front(settings_of_front, limits, panel) as front:
        slow = [front.connect() for _ in range(40)]
        for client in slow:
            client.sendall(posted(b"x" * 500)[:-1])
        assert front.ask(get("/admin/")).endswith(b"panel")
        for client in slow:
            assert status_of(client.recv(4096)) == 408
            client.close()
    assert asked == ["GET"]


def test_head_and_answers_without_a_body_pass(settings_of_front: Settings) -> None:
    async def panel(request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "HEAD":
            return web.Response(headers={"Content-Length": "1234"})
        return web.Response(status=int(request.raw_path[1:]), headers={"ETag": "x"})

    with running_front(settings_of_front, panel=panel) as front:
        head = front.ask(get("/admin/").replace(b"GET", b"HEAD"))
        assert b"Content-Length: 1234\r\n" in head
        assert head.endswith(b"\r\n\r\n")
        for status in (204, 304, 404):
            answer = front.ask(get(f"/{status}"))
            assert (status_of(answer), answer.endswith(b"\r\n\r\n")) == (status, True)
        with front.connect() as client:  # the next answer on the same connection is not taken for a body
            client.sendall(get("/204").replace(b"Connection: close\r\n", b"") + get("/304"))
            assert read_all(client).count(b"HTTP/1.1") == 2


def test_answers_keep_cookies_and_status(settings_of_front: Settings) -> None:
    async def panel(_request: web.BaseRequest) -> web.StreamResponse:
        response = web.Response(
            status=302, reason="Elsewhere", headers={"Location": "/admin/?a=%20", "Keep-Alive": "9"}
        )
        response.headers.add("Set-Cookie", "a=1; Path=/")
        response.headers.add("Set-Cookie", "b=2")
        return response

    with running_front(settings_of_front, panel=panel) as front:
        answer = front.ask(get("/admin/"))
    assert answer.startswith(b"HTTP/1.1 302 Elsewhere\r\n")
    for line in (b"Set-Cookie: a=1; Path=/", b"Set-Cookie: b=2", b"Location: /admin/?a=%20"):
        assert answer.count(line + b"\r\n") == 1
    assert b"Keep-Alive" not in answer


def test_a_long_download_streams_and_a_slow_reader_holds_nothing_of_the_panel(settings_of_front: Settings) -> None:
    piece, pieces = hashlib.sha256(b"x").digest() * 2048, 320  # 20 MiB
    is_made = threading.Event()

    async def panel(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(pieces):
            await response.write(piece)
        await response.write_eof()
        is_made.set()
        return response

    with running_front(settings_of_front, panel=panel) as front, front.connect() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        client.sendall(get("/admin/export").replace(b"HTTP/1.1", b"HTTP/1.0"))
        first = client.recv(1000)
        assert is_made.wait(30), "the panel has to wait for a slow reader"
        assert front.server.panel.space.used > 10 * MIB
        body = (first + read_all(client)).partition(b"\r\n\r\n")[2]
        assert body == piece * pieces


def test_many_slow_readers_leave_the_panel_to_others(settings_of_front: Settings) -> None:
    async def panel(request: web.BaseRequest) -> web.StreamResponse:
        await request.content.read()
        return web.Response(body=b"x" * (16 * MIB if request.method == "POST" else 1))

    with running_front(
        settings_of_front, FrontLimits(panel_requests=3, write_seconds=120, stop_seconds=0.5), panel
    ) as front:
        slow = [front.connect() for _ in range(10)]
        deadline = time.monotonic() + 30
        for client in slow:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.sendall(posted(b"x").replace(b"Connection: close\r\n", b""))
            assert client.recv(12) == b"HTTP/1.1 200"
            while front.server.panel.under_way and time.monotonic() < deadline:
                time.sleep(0.02)
            assert not front.server.panel.under_way
        assert front.ask(get("/admin/")).endswith(b"\r\n\r\nx")
        for client in slow:
            client.close()


def test_a_reader_that_takes_nothing_is_cut_off(settings_of_front: Settings, caplog: pytest.LogCaptureFixture) -> None:
    async def panel(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=b"x" * 20 * MIB)

    with (
        running_front(settings_of_front, FrontLimits(write_seconds=1, stop_seconds=0.5), panel) as front,
        front.connect() as client,
    ):
        client.sendall(get("/admin/export"))
        deadline = time.monotonic() + 30
        while not front.server.panel.space.used and time.monotonic() < deadline:
            time.sleep(0.02)
        while front.server.panel.space.used and time.monotonic() < deadline:
            time.sleep(0.02)
        assert front.server.panel.space.used == 0
        assert "a request failed" not in caplog.text
        assert is_closed_within(client, 30)


def test_what_comes_bit_by_bit_goes_on_bit_by_bit(settings_of_front: Settings) -> None:
    go_on = asyncio.Event()

    async def panel(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"first\n")
        await go_on.wait()
        await response.write(b"second\n")
        await response.write_eof()
        return response

    with running_front(settings_of_front, panel=panel) as front, front.connect() as client:
        client.sendall(get("/events"))
        received = b""
        while b"first\n" not in received:
            received += client.recv(4096)
        front.loop.call_soon_threadsafe(go_on.set)
        assert b"second\n" in read_all(client)


def test_more_pages_than_the_panel_has_threads_wait_for_their_turn(settings_of_front: Settings) -> None:
    now, most = [0], [0]

    async def panel(_request: web.BaseRequest) -> web.StreamResponse:
        now[0] += 1
        most[0] = max(most[0], now[0])
        await asyncio.sleep(0.02)
        now[0] -= 1
        return web.Response(text="page")

    with running_front(settings_of_front, FrontLimits(panel_at_once=2, stop_seconds=0.5), panel) as front:
        clients = [front.connect() for _ in range(30)]
        for client in clients:
            client.sendall(get("/admin/"))
        assert [read_all(client)[-4:] for client in clients] == [b"page"] * 30
        for client in clients:
            client.close()
    assert most == [2]


def test_webhooks_are_taken_while_the_panel_answers_nobody(settings_of_front: Settings) -> None:
    never = asyncio.Event()

    async def panel(_request: web.BaseRequest) -> web.StreamResponse:
        await never.wait()
        return web.Response()

    with running_front(settings_of_front, FrontLimits(panel_requests=5, stop_seconds=0.5), panel) as front:
        waiting = [front.connect() for _ in range(5)]
        for client in waiting:
            client.sendall(get("/admin/"))
        deadline = time.monotonic() + 30
        while front.server.panel.under_way < 5 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert status_of(front.ask(get("/admin/"))) == 503
        assert status_of(front.ask(event_request())) == 200
        for client in waiting:
            client.close()  # who goes frees his place
        while front.server.panel.under_way and time.monotonic() < deadline:
            time.sleep(0.02)
        assert front.server.panel.under_way == 0
