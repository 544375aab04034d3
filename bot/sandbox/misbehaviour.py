"""Produces broken HTTP answers: calls that hang, closed connections, truncated answers, a gateway's HTML."""

import asyncio
import socket
import struct

from aiohttp import web

from bot.sandbox.errors import SandboxGraphError
from bot.sandbox.faults import Quirk
from bot.sandbox.simulation import SIM

HTML = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
HALF = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 400\r\n\r\n{"messaging_product":"whatsapp","cont'


async def before(request: web.Request, quirk: Quirk) -> web.Response | None:
    """Apply a fault of BEFORE, so that the message is not accepted. None: process the request (after a delay)."""
    if quirk.kind == "refuse":
        raise SandboxGraphError(quirk.code, http=quirk.http)
    if quirk.kind == "latency":
        await asyncio.sleep(quirk.seconds)
        return None
    if quirk.kind == "html_before":
        return _gateway()
    if quirk.kind == "reset_before":
        _cut(request, reset=True)
        return web.Response()
    if quirk.kind == "hang_before":
        return await _hang(request)
    return None


async def after(request: web.Request, quirk: Quirk) -> web.Response | None:
    """Apply a fault of AFTER to an accepted message. None: answer properly."""
    if quirk.kind == "slow":
        await asyncio.sleep(quirk.seconds)
        return None
    if quirk.kind == "hang":
        return await _hang(request)
    if quirk.kind in ("close", "half"):
        if quirk.kind == "half" and request.transport is not None:
            request.transport.write(HALF)
        _cut(request)
        return web.Response()
    return _nonsense(quirk.kind)


def _nonsense(kind: str) -> web.Response | None:
    if kind == "html":
        return _gateway()
    if kind == "no_id":
        return web.json_response({"messaging_product": "whatsapp", "contacts": [], "messages": []})
    if kind == "garbage":
        return web.Response(text="<!doctype html>ok", content_type="application/json")
    return None


def _gateway() -> web.Response:
    return web.Response(status=502, text=HTML, content_type="text/html")


def _cut(request: web.Request, *, reset: bool = False) -> None:
    transport = request.transport
    if transport is None:
        return
    if not reset:
        transport.close()
        return
    raw = transport.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def _hang(request: web.Request) -> web.Response:
    """Send nothing until the client disconnects, which is polled, or ``hang_seconds`` are over."""
    loop = asyncio.get_running_loop()
    end = loop.time() + request.app[SIM].config.hang_seconds
    while loop.time() < end and request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    _cut(request)
    return web.Response()
