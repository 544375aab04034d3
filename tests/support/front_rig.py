"""A front server in a thread, a panel behind it that a test makes up, and clients that speak raw bytes."""

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop
from aiohttp import web

from admin.front.limits import FrontLimits
from admin.front.panel_link import panel_socket
from admin.front.server import FrontServer
from bot.webhooks.signature import sign
from models.config import Settings
from tests.support.running_hark import free_port

SECRET = "app-secret"
EVENT = b'{"object":"whatsapp_business_account","entry":[]}'
PATIENCE_SECONDS = 30

PanelHandler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass
class Front:
    """What runs: `port` for everything, `own_port` for webhooks and health alone."""

    server: FrontServer
    port: int
    own_port: int
    loop: asyncio.AbstractEventLoop

    def connect(self, port: int | None = None, *, source: str = "127.0.0.1") -> socket.socket:
        """A client's connection, from any address of loopback."""
        return socket.create_connection(("127.0.0.1", port or self.port), PATIENCE_SECONDS, source_address=(source, 0))

    def ask(self, request: bytes, port: int | None = None, *, source: str = "127.0.0.1") -> bytes:
        """The whole answer to one request, read up to the connection's end."""
        with self.connect(port, source=source) as client:
            client.sendall(request)
            return read_all(client)

    def post_event(self, raw: bytes = EVENT, secret: str = SECRET, *, source: str = "127.0.0.1") -> int:
        """The status of the answer to a signed event."""
        return status_of(self.ask(event_request(raw, secret), source=source))


def front_settings(var_dir: Path, redis_url: str, **more: Any) -> Settings:
    return Settings(
        "sqlite://",
        redis_url,
        var_dir,
        meta_app_secrets=(SECRET,),
        meta_verify_token="verify-me",
        secret_key="k",
        **more,
    )


@contextmanager
def running_front(
    settings: Settings, limits: FrontLimits | None = None, panel: PanelHandler | None = None
) -> Iterator[Front]:
    """A front server; without a `panel` nobody listens on its socket."""
    ready: list[Front] = []
    over, is_ready = threading.Event(), threading.Event()

    async def run() -> None:
        front = FrontServer(settings, limits or FrontLimits(stop_seconds=0.5))
        port, own_port = free_port(), free_port()
        await front.listen("127.0.0.1", port)
        await front.listen("127.0.0.1", own_port, passes_to_panel=False)
        loop = asyncio.get_running_loop()
        made_up = None
        if panel is not None:
            made_up = await loop.create_unix_server(
                web.Server(panel, access_log=None), str(panel_socket(settings.var_dir))
            )
        ready.append(Front(front, port, own_port, loop))
        is_ready.set()
        await asyncio.to_thread(over.wait)
        await front.stop()
        if made_up is not None:
            made_up.close()

    def run_in_thread() -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run())

    thread = threading.Thread(target=run_in_thread)
    thread.start()
    try:
        assert is_ready.wait(PATIENCE_SECONDS), "the front server did not start"
        yield ready[0]
    finally:
        over.set()
        thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive(), "the front server did not stop"


def event_request(raw: bytes = EVENT, secret: str = SECRET, *, close: bool = True) -> bytes:
    connection = b"Connection: close\r\n" if close else b""
    return (
        b"POST /webhooks/whatsapp HTTP/1.1\r\nHost: hark\r\n%bX-Hub-Signature-256: %b\r\nContent-Length: %d\r\n\r\n%b"
        % (connection, sign(secret, raw).encode(), len(raw), raw)
    )


def get(target: str, *headers: str) -> bytes:
    """A request that asks to close the connection."""
    return "\r\n".join(
        [f"GET {target} HTTP/1.1", "Host: hark.example.com", "Connection: close", *headers, "", ""]
    ).encode()


def read_all(client: socket.socket) -> bytes:
    """Everything up to the end, also where the other side ended it hard."""
    client.settimeout(PATIENCE_SECONDS)
    received = b""
    try:
        while chunk := client.recv(1 << 16):
            received += chunk
    except ConnectionResetError:
        pass
    return received


def status_of(answer: bytes) -> int:
    """The status; 0 if the connection ended without an answer."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/") else 0


def is_closed_within(client: socket.socket, seconds: float) -> bool:
    """Whether the other side ends the connection, whatever it still sends."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        client.settimeout(left)
        try:
            if not client.recv(1 << 16):
                return True
        except TimeoutError:
            return False
        except ConnectionError:
            return True
    return False
