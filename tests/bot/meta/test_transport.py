"""What was certainly not sent and what may have been, over real sockets."""

import asyncio
import contextlib
import gzip
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import httpx
import pytest

from bot.meta.client import GraphClient, read_send_result
from bot.meta.send_result import SendResult, SendResultKind
from bot.meta.transport import AiohttpTransport
from tests.support.tls_server import outsider

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
ACCEPTED = b'{"messages":[{"id":"wamid.X","message_status":"accepted"}],"contacts":[{"input":"+34","wa_id":"34"}]}'


def answer(body: bytes, status: str = "200 OK", *headers: str, length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    size = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
    return await reader.readexactly(size)


def replying(payload: bytes) -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(payload)
        await writer.drain()
        writer.close()

    return handle


async def closes_after_reading(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.close()


async def resets_after_reading(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    writer.transport.abort()


async def closes_unread(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def says_nothing(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await asyncio.sleep(30)


async def floods(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A hundred megabytes, as far as anybody takes them."""
    await read_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
    with contextlib.suppress(ConnectionError):
        for _ in range(100):
            writer.write(b"a" * 1_000_000)
            await writer.drain()
    writer.close()


def keeps_alive_once(seen: list[bytes]) -> Handler:
    """Answers the first request and closes the kept connection when it has read the second."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(answer(ACCEPTED))
        await writer.drain()
        seen.append(await read_request(reader))
        writer.close()

    return handle


async def ask(handler: Handler, times: int = 1) -> list[SendResult]:
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = GraphClient(
        f"http://127.0.0.1:{port}",
        "v25.0",
        transport=AiohttpTransport(timeout_seconds=2.0 if handler is says_nothing else 30),
    )
    try:
        return [await client.send("1", "token", {"to": "+34"}) for _ in range(times)]
    finally:
        await client.close()
        server.close()


@pytest.mark.parametrize(
    ("handler", "kind"),
    [
        (replying(answer(ACCEPTED)), SendResultKind.ACCEPTED),
        (replying(answer(ACCEPTED.replace(b"accepted", b"held_for_quality_assessment"))), SendResultKind.HELD),
        (replying(answer(b'{"error":{"code":190,"message":"m"}}', "401 Unauthorized")), SendResultKind.REFUSED),
        (replying(answer(b'{"error":{"code":131000}}', "500 Internal Server Error")), SendResultKind.REFUSED),
        (replying(answer(b'{"error":{"code":"190"}}', "401 Unauthorized")), SendResultKind.UNSURE),
        (replying(answer(b'{"error":{"message":"no code"}}', "400 Bad Request")), SendResultKind.UNSURE),
        (replying(answer(b"<html>bad gateway</html>", "502 Bad Gateway")), SendResultKind.UNSURE),
        (replying(answer(b"{}", "503 Service Unavailable")), SendResultKind.UNSURE),
        (replying(answer(b"", "302 Found", "Location: http://127.0.0.1:9/")), SendResultKind.UNSURE),
        (replying(answer(b'{"messages":[]}')), SendResultKind.UNSURE),
        (replying(answer(b'{"messages":[{"id":""}]}')), SendResultKind.UNSURE),
        (replying(answer(b'{"messages":[{"id":17}]}')), SendResultKind.UNSURE),
        (replying(answer(b'{"messages":[{"id":"wamid.\\u0000"}]}')), SendResultKind.UNSURE),
        (replying(answer(b'{"messages":[{"id":"%s"}]}' % (b"x" * 301))), SendResultKind.UNSURE),
        (replying(answer(b'{"error":{"code":99999999999}}', "400 Bad Request")), SendResultKind.UNSURE),
        (replying(answer(b'{"error":{"code":190.5}}', "400 Bad Request")), SendResultKind.UNSURE),
        (replying(answer(b"[1]")), SendResultKind.UNSURE),
        (replying(answer(b"ok")), SendResultKind.UNSURE),
        (replying(answer(ACCEPTED, length=len(ACCEPTED) + 40)), SendResultKind.UNSURE),
        (replying(answer(b'{"x":"' + b"a" * 200_000 + b'"}')), SendResultKind.UNSURE),
        (replying(answer(gzip.compress(b"0" * 10_000_000), "200 OK", "Content-Encoding: gzip")), SendResultKind.UNSURE),
        (replying(answer(b" " * 1000, length=100_000_000)), SendResultKind.UNSURE),
        (floods, SendResultKind.UNSURE),
        (replying(b"no HTTP at all\r\n\r\n"), SendResultKind.UNSURE),
        (closes_after_reading, SendResultKind.UNSURE),
        (resets_after_reading, SendResultKind.UNSURE),
        (closes_unread, SendResultKind.UNSURE),
        (says_nothing, SendResultKind.UNSURE),
    ],
)
def test_an_answer_is_read_for_what_is_certain(handler: Handler, kind: SendResultKind) -> None:
    (outcome,) = asyncio.run(ask(handler))
    assert outcome.kind is kind


@pytest.mark.parametrize("body", [gzip.compress(b"0" * 50_000_000), b"no gzip at all", ACCEPTED])
def test_an_encoded_answer_is_not_unpacked(body: bytes) -> None:
    (outcome,) = asyncio.run(ask(replying(answer(body, "200 OK", "Content-Encoding: gzip"))))
    assert (outcome.kind, outcome.message) == (SendResultKind.UNSURE, "the answer was lost (encoded as gzip)")


def test_a_kept_connection_that_is_lost_after_the_second_request_is_unsure_and_not_repeated() -> None:
    seen: list[bytes] = []
    first, second = asyncio.run(ask(keeps_alive_once(seen), times=2))
    assert (first.kind, second.kind) == (SendResultKind.ACCEPTED, SendResultKind.UNSURE)
    assert len(seen) == 2


def test_a_refused_connection_sent_nothing() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

        async def send() -> SendResult:
            client = GraphClient(f"http://127.0.0.1:{port}", "v25.0")
            try:
                return await client.send("1", "token", {})
            finally:
                await client.close()

        assert asyncio.run(send()).kind is SendResultKind.NOT_SENT


def test_a_failed_tls_handshake_sent_nothing() -> None:
    async def talk() -> SendResult:
        async def plain(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(plain, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        client = GraphClient(f"https://127.0.0.1:{port}", "v25.0")
        try:
            return await client.send("1", "token", {})
        finally:
            await client.close()
            server.close()

    assert asyncio.run(talk()).kind is SendResultKind.NOT_SENT


def test_a_certificate_that_nobody_vouches_for_sent_nothing(tmp_path: Path) -> None:
    async def send(url: str) -> SendResult:
        client = GraphClient(url, "v25.0")
        try:
            return await client.send("1", "token", {"to": "+34"})
        finally:
            await client.close()

    with outsider(tmp_path) as found:
        outcome = asyncio.run(send(found.url))
        assert outcome.kind is SendResultKind.NOT_SENT
        assert outcome.message == "The connection failed (the certificate at GRAPH_API_URL is not one to trust)"
        assert found.requests == []


def test_a_name_server_that_hangs_sent_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hangs(*_given: object, **_named: object) -> list[object]:
        await asyncio.sleep(30)
        return []

    monkeypatch.setattr(aiohttp.DefaultResolver, "resolve", hangs)

    async def send() -> SendResult:
        client = GraphClient("http://meta.invalid", "v25.0", transport=AiohttpTransport(timeout_seconds=0.7))
        try:
            return await client.send("1", "token", {})
        finally:
            await client.close()

    assert asyncio.run(send()).kind is SendResultKind.NOT_SENT


def test_what_nobody_thought_of_is_unsure_and_says_nothing_of_the_customer(caplog: pytest.LogCaptureFixture) -> None:
    class Surprises(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            raise ValueError(str(request.content))

    client = GraphClient("http://127.0.0.1:9", "v25.0", transport=Surprises())
    outcome = asyncio.run(client.send("1", "token", {"to": "+34600000001"}))
    assert outcome.kind is SendResultKind.UNSURE
    assert "34600000001" not in outcome.message + caplog.text


def test_what_a_database_cannot_keep_is_left_out_of_an_answer() -> None:
    accepted = read_send_result(200, "", b'{"messages":[{"id":"wamid.X"}],"contacts":[{"wa_id":"%s"}]}' % (b"3" * 50))
    assert (accepted.kind, accepted.wa_id) == (SendResultKind.ACCEPTED, None)
    refused = read_send_result(400, "", b'{"error":{"code":131009,"error_data":{"details":"not\\u0000this"}}}')
    assert (refused.kind, refused.details) == (SendResultKind.REFUSED, "not this")
