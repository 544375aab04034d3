"""Calls systems of others over https, with protection against server-side request forgery: public addresses alone, bounded in time
and size. What the operator allows may be called too, by http as well.

A host is resolved once and each of its addresses is checked. The address of a connection is checked once more when its socket is
made, whoever read it from the text, so that neither a second resolution (DNS rebinding) nor a second parser leads elsewhere. There
are no redirects and no proxy.
"""

import asyncio
import hashlib
import hmac
import ipaddress
import socket
import ssl
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from bot.outbound.address import ALLOWED, problem_with_call
from bot.outbound.rules import OutboundRules
from models.errors import HarkError

MAX_BYTES = 64 * 1024
MAX_SECONDS = 10.0
RESERVED_HEADERS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "content-type", "accept-encoding"}
)
"""Headers that a flow cannot set."""


class ForbiddenAddressError(HarkError):
    """The address is not allowed, or its answer is too large; trying again does not help."""


class UnreachableError(HarkError):
    """No answer, or HTTP 429 or 5xx: the same call may work later."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response; `body` is its JSON, None if there is none that can be read."""

    status: int
    body: Any

    @property
    def is_ok(self) -> bool:
        """Return whether the status is 2xx."""
        return 200 <= self.status <= 299


def sign_request(secret: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return headers that prove the origin and time (Unix seconds) of a request: HMAC-SHA256 over `timestamp.body`."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Hark-Timestamp": str(timestamp), "X-Hark-Signature-256": f"sha256={digest}"}


@dataclass(frozen=True, slots=True)
class _Target:
    """What the call under way may connect to. `is_named`: the operator allows the host by its name, whatever its address is."""

    is_plain: bool
    is_named: bool


_target: ContextVar[_Target] = ContextVar("target")
"""Of the call that opens a connection: the resolver and the sockets are shared by all calls."""


class OutboundHttpClient:
    """One connection pool for all calls. `tls` is for tests, whose server is local."""

    def __init__(self, rules: OutboundRules | None = None, *, tls: ssl.SSLContext | None = None) -> None:
        self._rules = rules or OutboundRules()
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    async def call(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout_seconds: float,
        *,
        content_type: str = "application/json",
    ) -> Answer:
        """Send one request and return the response. `timeout_seconds` is at most `MAX_SECONDS`.

        Raises ForbiddenAddressError if the address is not allowed or the response too large, UnreachableError if the same call
        may work later.
        """
        target, parsed = self._check(url)
        _target.set(target)
        flow_headers = {name: value for name, value in headers.items() if name.lower() not in RESERVED_HEADERS}
        own_headers = {"Accept-Encoding": "identity"} | ({"Content-Type": content_type} if body is not None else {})
        try:
            async with self._open().request(
                method,
                parsed,
                headers=flow_headers | own_headers,
                data=body,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=min(timeout_seconds, MAX_SECONDS)),
            ) as response:
                if response.status >= 500 or response.status == 429:
                    raise UnreachableError(f"HTTP {response.status}")
                return Answer(response.status, _json(response, await _read_capped(response.content)))
        except ForbiddenAddressError:
            raise
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise _unwrap(error) from error

    async def download(self, url: str, write: Callable[[bytes], object], max_bytes: int, timeout_seconds: float) -> int:
        """Get a file and hand its content to `write` piece by piece; return the status. Only the content of a 200 is read.

        Raises ForbiddenAddressError if the address is not allowed or the content longer than `max_bytes`, UnreachableError if
        the same call may work later.
        """
        target, parsed = self._check(url)
        _target.set(target)
        timeout = aiohttp.ClientTimeout(total=timeout_seconds, sock_connect=MAX_SECONDS, sock_read=MAX_SECONDS)
        try:
            async with self._open().request(
                "GET", parsed, headers={"Accept-Encoding": "identity"}, allow_redirects=False, timeout=timeout
            ) as response:
                if response.status != 200:
                    return response.status
                if response.headers.get("Content-Encoding", "identity").lower() != "identity":
                    raise ForbiddenAddressError("the content is compressed, which was not asked for")
                size = 0
                async for chunk in response.content.iter_chunked(MAX_BYTES):
                    size += len(chunk)
                    if size > max_bytes:
                        raise ForbiddenAddressError(f"the content is longer than {max_bytes // 1024 // 1024} MB")
                    write(chunk)
                return response.status
        except ForbiddenAddressError:
            raise
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise _unwrap(error) from error

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    def _check(self, url: str) -> tuple[_Target, URL]:
        """Judge the address by its text. Raises ForbiddenAddressError if it may not be called."""
        if problem := problem_with_call(url, self._rules):
            raise ForbiddenAddressError(problem)
        parsed = URL(url)
        is_named = self._rules.names((parsed.raw_host or "").lower(), parsed.port or 0)
        return _Target(parsed.scheme == "http", is_named), parsed

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                resolver=_Resolver(self._rules),
                use_dns_cache=False,
                ssl=self._tls or True,
                limit=50,
                socket_factory=self._make_socket,
            )
            self._session = aiohttp.ClientSession(connector=connector, trust_env=False, auto_decompress=False)
        return self._session

    def _make_socket(self, address_info: Any) -> socket.socket:
        """Make the socket of a connection, if its address may be connected to."""
        family, kind, proto, _, address = address_info
        _check_address(self._rules, str(address[0]), int(address[1]))
        return socket.socket(family, kind, proto)


class _Resolver(AbstractResolver):
    """Resolves a name, and returns its addresses only if all of them may be connected to."""

    def __init__(self, rules: OutboundRules) -> None:
        self._rules = rules

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        addresses = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        results: list[ResolveResult] = []
        for kind, _, proto, _, address in addresses:
            _check_address(self._rules, str(address[0]), port)
            results.append(
                ResolveResult(
                    hostname=host,
                    host=str(address[0]),
                    port=port,
                    family=kind,
                    proto=proto,
                    flags=socket.AI_NUMERICHOST,
                )
            )
        return results

    async def close(self) -> None:
        """Do nothing: there is nothing to close."""


def _check_address(rules: OutboundRules, host: str, port: int) -> None:
    """Raises ForbiddenAddressError if the call under way may not connect there."""
    target = _target.get()
    address = ipaddress.ip_address(host.partition("%")[0])
    if not target.is_named and not rules.may_connect(address, port, is_plain=target.is_plain):
        raise ForbiddenAddressError(f"the host has an address that may not be called: {ALLOWED}")


async def _read_capped(content: aiohttp.StreamReader) -> bytes:
    body = b""
    while chunk := await content.read(MAX_BYTES + 1 - len(body)):
        body += chunk
        if len(body) > MAX_BYTES:
            raise ForbiddenAddressError(f"the answer is longer than {MAX_BYTES} bytes")
    return body


def _json(response: aiohttp.ClientResponse, content: bytes) -> Any:
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        return None
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None


def _unwrap(error: BaseException) -> Exception:
    """Return the resolver's ForbiddenAddressError if aiohttp wrapped one, else UnreachableError."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ForbiddenAddressError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return UnreachableError(type(error).__name__)
