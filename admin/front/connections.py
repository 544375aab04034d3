"""Bounds the clients' connections: how many there are, how many of one address, and how long each may wait for its client.

Where there is no room, the connection that has waited longest for its client makes room for the new one. So slow clients can be
as many as they like: they push out each other, and whoever asks something and takes the answer is served.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Any, cast

from aiohttp import web

from admin.auth.client_address import client_network, is_trusted, read_address
from admin.front.limits import FrontLimits
from admin.front.pages import error_page, raw_answer
from models.outbound_targets import Network


class Stage(IntEnum):
    """What a connection does; the lower one is closed first where there is no room."""

    IDLE = 0
    """Between two requests."""
    HEAD = 1
    """Its client sends headers."""
    BODY = 2
    """Its client sends the body of a webhook."""
    REPLY = 3
    """Its client takes a response."""
    UPLOAD = 4
    """Its client sends the body of a request for the panel."""
    WORK = 5
    """It waits for us: for Redis or for the panel. Never closed to make room."""


class Connection(web.RequestHandler):
    """One client's connection."""

    __slots__ = ("key", "peer", "place", "raw_transport", "since", "stage", "table")

    def __init__(self, table: "ConnectionTable", server: web.Server, **options: Any) -> None:
        super().__init__(server, **options)
        self.table = table
        self.stage = Stage.HEAD
        self.since = 0.0
        """When it entered the stage, on the loop's clock, which many connections may share."""
        self.place = 0
        """Who entered a stage earlier has a lower one."""
        self.peer = ""
        """The client's address, empty if it is not known."""
        self.key = ""
        self.raw_transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or answer 503 where every other is busy."""
        self.raw_transport = cast("asyncio.Transport", transport)
        if self.table.admit(self):
            super().connection_made(transport)
        else:
            self.raw_transport.write(raw_answer(503))
            self.force_close()
            self.raw_transport.close()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Free its place."""
        self.table.release(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Note that a further request begins."""
        if data and self.stage is Stage.IDLE:
            self.enter(Stage.HEAD)
        super().data_received(data)

    def enter(self, stage: Stage) -> None:
        """Note what the connection does from now on."""
        self.table.enter(self, stage)

    def abort(self) -> None:
        """Close it at once, whatever its client has not taken yet."""
        self.table.release(self)
        if self.raw_transport is not None:
            self.raw_transport.abort()

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, _message: str | None = None
    ) -> web.StreamResponse:
        """Answer a request that is no HTTP (400) or failed here (500), and quote nothing of it."""
        is_cut = isinstance(exc, ConnectionError)  # by the client, or by us since it took nothing
        if status == 500 and not is_cut:
            self.table.report(exc)
        if is_cut or request.writer.output_size > 0:
            self.abort()
            raise ConnectionResetError("there is nobody to answer, or the answer had begun")
        response = error_page(request, status)
        response.force_close()
        return response


class ConnectionServer(web.Server):
    """Makes the connections of one listening port."""

    def __init__(self, handler: Any, table: "ConnectionTable", limits: FrontLimits) -> None:
        super().__init__(handler, handler_cancellation=True)
        self._table = table
        self._options: dict[str, Any] = {
            "loop": asyncio.get_running_loop(),
            "keepalive_timeout": limits.idle_seconds,
            "lingering_time": limits.stop_seconds,
            "max_line_size": limits.line_bytes,
            "max_field_size": limits.line_bytes,
            "max_headers": 100,
            "auto_decompress": False,
            "access_log": None,
        }

    def __call__(self) -> web.RequestHandler:
        """Make a connection."""
        return Connection(self._table, self, **self._options)


class ConnectionTable:
    """Every open connection by what it does, the longest in each stage first."""

    def __init__(self, limits: FrontLimits, trusted: Sequence[Network], report: Any) -> None:
        self.report = report
        self.turned_away: Counter[str] = Counter()
        """Reason → connections: `displaced`, `refused`, `slow`."""
        self._limits = limits
        self._trusted = trusted
        self._stages: dict[Stage, dict[Connection, None]] = {stage: {} for stage in Stage}
        self._of_key: dict[str, set[Connection]] = {}
        self._places = itertools.count()
        self._clock = asyncio.get_running_loop().time

    def __len__(self) -> int:
        return sum(map(len, self._stages.values()))

    def admit(self, connection: Connection) -> bool:
        """Give a new connection a place, and close another for it if need be. False if all others are busy."""
        transport = connection.raw_transport
        peer = transport.get_extra_info("peername") if transport else None
        connection.peer = str(peer[0]) if isinstance(peer, tuple) else ""
        connection.key, most = self.bound_of(connection.peer)
        of_key = self._of_key.get(connection.key, set())
        is_room = len(of_key) < most or self._displace(of_key)
        is_room = is_room and (len(self) < self._limits.connections or self._displace(self._longest_waiting()))
        if not is_room:
            self.turned_away["refused"] += 1
            return False
        self._of_key.setdefault(connection.key, set()).add(connection)
        self._put(connection, Stage.HEAD)
        return True

    def release(self, connection: Connection) -> None:
        """Take its place from it. Idempotent."""
        self._stages[connection.stage].pop(connection, None)
        of_key = self._of_key.get(connection.key)
        if of_key is not None:
            of_key.discard(connection)
            if not of_key:
                del self._of_key[connection.key]

    def enter(self, connection: Connection, stage: Stage) -> None:
        """Move it to another stage, if it still has a place."""
        now_in = self._stages[connection.stage]
        if connection not in now_in:
            return
        del now_in[connection]
        self._put(connection, stage)

    def close_late(self) -> None:
        """Close the connections whose client was too long silent or too slow with its headers."""
        now = self._clock()
        for stage, seconds in ((Stage.IDLE, self._limits.idle_seconds), (Stage.HEAD, self._limits.head_seconds)):
            for connection in list(self._stages[stage]):
                if now - connection.since < seconds:
                    break
                if stage is Stage.HEAD:
                    self.turned_away["slow"] += 1
                connection.abort()

    def bound_of(self, peer: str) -> tuple[str, int]:
        """Return what an address counts as, and how many connections that may have."""
        address = read_address(peer)
        if address is not None and (address.is_loopback or is_trusted(peer, self._trusted)):
            return str(address), self._limits.connections_of_proxy
        return client_network(peer), self._limits.connections_of_address

    def _put(self, connection: Connection, stage: Stage) -> None:
        connection.stage, connection.since, connection.place = stage, self._clock(), next(self._places)
        self._stages[stage][connection] = None

    def _displace(self, candidates: Iterable[Connection]) -> bool:
        waiting = [connection for connection in candidates if connection.stage is not Stage.WORK]
        if not waiting:
            return False
        self.turned_away["displaced"] += 1
        min(waiting, key=lambda connection: (connection.stage, connection.place)).abort()
        return True

    def _longest_waiting(self) -> list[Connection]:
        return [next(iter(self._stages[stage])) for stage in Stage if self._stages[stage]]
