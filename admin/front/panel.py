"""Passes requests on to the panel's process and its responses back, so that a slow client holds no thread of the panel.

A request goes on when its body is here, a response is taken as fast as the panel makes it; what waits for a slow client lies in a
file without a name. Each request has a connection of its own to the panel, so that nothing is sent into one that just ended.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from admin.auth.client_address import client_network, nearest_client
from admin.front.bodies import BodyError, spool_body
from admin.front.connections import Connection, Stage
from admin.front.headers import request_headers, response_headers
from admin.front.limits import FrontLimits
from admin.front.pages import error_page
from admin.front.panel_link import PEER_HEADER
from admin.front.spool import MEMORY_BYTES, NoRoomError, Spool, SpoolSpace
from bot.webhooks.whatsapp import read_length
from models.outbound_targets import Network

_NO_AUTOMATIC_HEADERS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})
_PIECE = 64 * 1024
_GRACE_SECONDS = 0.05
"""A client that takes 128 KiB in this time gets its download without a file between."""
_READINESS_SECONDS = 5.0
_METRICS_SECONDS = 30.0


class PanelError(Exception):
    """The panel did not answer; `status` is the answer's: 502, 503 or 504."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class PanelProxy:
    """Speaks with the panel's process on its Unix socket. Made inside of the event loop."""

    def __init__(
        self, socket: Path, token: str, directory: Path, trusted: Sequence[Network], limits: FrontLimits
    ) -> None:
        self.failures: Counter[int] = Counter()
        """Status of the answer → how often the panel gave none."""
        self.under_way = 0
        """Requests that wait for the panel, their turn included."""
        self.space = SpoolSpace(directory, limits.spooled_bytes, limits.spooled_of_address)
        self._token = token
        self._turns = asyncio.Semaphore(limits.panel_at_once)
        self._trusted = trusted
        self._limits = limits
        self._session = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(str(socket), force_close=True, limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=5),
            skip_auto_headers=_NO_AUTOMATIC_HEADERS,
            read_bufsize=MEMORY_BYTES,
            max_line_size=_PIECE,
            max_field_size=_PIECE,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def pass_on(
        self, request: web.BaseRequest, path: str, query: str, connection: Connection
    ) -> web.StreamResponse:
        """Return the panel's response, already sent, or the page that says why there is none."""
        length = read_length(request.headers.get("Content-Length"))
        if length is not None and not 0 <= length <= self._limits.body_bytes:
            return error_page(request, 400 if length < 0 else 413)
        connection.enter(Stage.UPLOAD)
        with ExitStack() as held:
            body = held.enter_context(Spool(self.space, self._client_of(request, connection)))
            try:
                await spool_body(request, body, self._limits)
            except BodyError as error:
                return error_page(request, error.status)
            connection.enter(Stage.WORK)
            has_body = body.size > 0 or request.method not in _WITHOUT_BODY
            headers = request_headers(request, connection.peer, self._token, body.size if has_body else None)
            try:
                answer = await self._ask(held, request.method, _url(path, query), headers, body if has_body else None)
            except PanelError as error:
                return self._failed(request, error.status)
            return await self._send_back(request, answer, held, connection)

    async def readiness(self) -> dict[str, Any]:
        """Return what the panel's own /readyz says, with `panel` among its checks."""
        headers = CIMultiDict({PEER_HEADER: f"127.0.0.1 {self._token}"})
        try:
            async with asyncio.timeout(_READINESS_SECONDS):
                with ExitStack() as held:
                    answer = await self._ask(held, "GET", _url("/readyz", ""), headers, is_limited=False)
                    said: dict[str, Any] = json.loads(await answer.read())
            return said | {"checks": {"panel": "ok"} | said["checks"]}
        except (PanelError, TimeoutError, aiohttp.ClientError, ValueError, KeyError, TypeError):
            return {"checks": {"panel": "does not answer"}}

    async def metrics(self, request: web.BaseRequest, query: str, peer: str, own: str) -> web.Response:
        """Return the panel's /metrics with our `own` after them."""
        asked = request_headers(request, peer, self._token, None)
        try:
            async with asyncio.timeout(_METRICS_SECONDS):
                with ExitStack() as held:
                    answer = await self._ask(held, request.method, _url("/metrics", query), asked)
                    body = await answer.read()
        except PanelError as error:
            return self._failed(request, error.status)
        except (TimeoutError, aiohttp.ClientError):
            return self._failed(request, 504)
        if answer.status == 200 and request.method == "GET":
            body += own.encode()
        headers = response_headers(CIMultiDict(answer.headers))
        headers.pop("Content-Length", None)
        return web.Response(status=answer.status, body=body, headers=headers)

    def _failed(self, request: web.BaseRequest, status: int) -> web.Response:
        self.failures[status] += 1
        return error_page(request, status)

    def _client_of(self, request: web.BaseRequest, connection: Connection) -> str:
        address = nearest_client(connection.peer, request.headers.getall("X-Forwarded-For", ()), self._trusted)
        return client_network(address)

    async def _ask(
        self,
        held: ExitStack,
        method: str,
        url: URL,
        headers: CIMultiDict[str],
        body: Spool | None = None,
        *,
        is_limited: bool = True,
    ) -> aiohttp.ClientResponse:
        """Return the panel's response once its headers are there; closing `held` gives back what it holds of the panel.

        Raises PanelError if none comes, or too many requests wait for one.
        """
        if is_limited and self.under_way >= self._limits.panel_requests:
            raise PanelError(503)
        self.under_way += 1
        held.callback(self._end_one)
        if is_limited:
            try:
                async with asyncio.timeout(self._limits.panel_seconds):
                    await self._turns.acquire()
            except TimeoutError:
                raise PanelError(503) from None
            held.callback(self._turns.release)
        answer = await self._answer(method, url, headers, body)
        held.callback(answer.close)
        return answer

    def _end_one(self) -> None:
        self.under_way -= 1

    async def _answer(
        self, method: str, url: URL, headers: CIMultiDict[str], body: Spool | None
    ) -> aiohttp.ClientResponse:
        # A large body is sent when the panel begins to read it: it may refuse by the headers alone.
        is_large = body is not None and body.size > self._limits.small_body
        try:
            async with asyncio.timeout(self._limits.panel_seconds):
                return await self._session.request(
                    method, url, headers=headers, data=body, allow_redirects=False, expect100=is_large
                )
        except TimeoutError:
            raise PanelError(504) from None
        except aiohttp.ClientConnectorError:
            raise PanelError(503) from None
        except (aiohttp.ClientError, OSError):
            raise PanelError(502) from None

    async def _send_back(
        self, request: web.BaseRequest, answer: aiohttp.ClientResponse, held: ExitStack, connection: Connection
    ) -> web.StreamResponse:
        """Send the response to the client; `held` is closed as soon as all of it is here, however slowly the client reads."""
        response = web.StreamResponse(
            status=answer.status, reason=answer.reason, headers=response_headers(CIMultiDict(answer.headers))
        )
        connection.enter(Stage.REPLY)
        with Spool(self.space) as spool:
            taking = asyncio.create_task(_take(answer, spool, held))
            try:
                await response.prepare(request)
                async for chunk in spool:
                    for start in range(0, len(chunk), _PIECE):
                        async with asyncio.timeout(self._limits.write_seconds):
                            await response.write(chunk[start : start + _PIECE])
                await response.write_eof()
            except (TimeoutError, aiohttp.ClientError, OSError):
                # The client took too long, or the panel ended in the middle: a cut connection tells that it was not all.
                connection.abort()
                raise ConnectionResetError from None
            finally:
                taking.cancel()
        return response


async def _take(answer: aiohttp.ClientResponse, spool: Spool, held: ExitStack) -> None:
    """Take the panel's response, as fast as it comes while there is room for it, and let the panel go."""
    try:
        async for chunk in answer.content.iter_chunked(MEMORY_BYTES):
            while True:
                try:
                    await spool.write(chunk, _GRACE_SECONDS)
                    break
                except NoRoomError:
                    await spool.wait_for_reader()
        spool.end()
    except (aiohttp.ClientError, OSError) as error:
        spool.end(error)
    finally:
        held.close()


def _url(path: str, query: str) -> URL:
    """The target as the client wrote it."""
    return URL.build(scheme="http", host="localhost", path=path, query_string=query, encoded=True)
