"""Calls systems of others over https, with protection against server-side request forgery: public addresses alone, bounded in time
and size.

The host is resolved once, each of its addresses is checked, and the connection goes to one of the checked addresses, so that a
second resolution cannot lead elsewhere (DNS rebinding). There are no redirects and no proxy.
"""

import asyncio
import hashlib
import hmac
import ipaddress
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
from aiohttp.abc import AbstractResolver, ResolveResult

from models.errors import HarkError

MAX_BYTES = 64 * 1024
MAX_SECONDS = 10.0
RESERVED_HEADERS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "content-type", "accept-encoding"}
)
"""Headers that a flow cannot set."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
IsAllowed = Callable[[Address], bool]


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


def is_public(address: Address) -> bool:
    """Return whether an address is public; of a mapped, 6to4, Teredo or NAT64 address the IPv4 address inside is checked."""
    if isinstance(address, ipaddress.IPv6Address):
        wrapped = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if wrapped is None and address in _NAT64:
            wrapped = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if wrapped is not None:
            return is_public(wrapped)
    return address.is_global and not (address.is_multicast or address.is_reserved)


def sign_request(secret: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return headers that prove the origin and time (Unix seconds) of a request: HMAC-SHA256 over `timestamp.body`."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Hark-Timestamp": str(timestamp), "X-Hark-Signature-256": f"sha256={digest}"}


class OutboundHttpClient:
    """One connection pool for all calls. `is_allowed` and `tls` are for tests, whose server is local."""

    def __init__(self, *, is_allowed: IsAllowed = is_public, tls: ssl.SSLContext | None = None) -> None:
        self._is_allowed = is_allowed
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    async def call(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeout_seconds: float
    ) -> Answer:
        """Send one request and return the response. `timeout_seconds` is at most `MAX_SECONDS`.

        Raises ForbiddenAddressError if the address is not allowed or the response too large, UnreachableError if the same call
        may work later.
        """
        self._check(url)
        flow_headers = {name: value for name, value in headers.items() if name.lower() not in RESERVED_HEADERS}
        own_headers = {"Accept-Encoding": "identity"} | (
            {"Content-Type": "application/json"} if body is not None else {}
        )
        try:
            async with self._open().request(
                method,
                url,
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

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    def _check(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError:
            raise ForbiddenAddressError("this is no address") from None
        if parts.scheme != "https" or not host or parts.username is not None:
            raise ForbiddenAddressError("allowed are https addresses without a user name")
        try:
            literal = ipaddress.ip_address(host)
        except ValueError:
            return  # a name: its addresses are checked when it is resolved
        if not self._is_allowed(literal):
            raise ForbiddenAddressError("allowed are addresses of the public internet")

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                resolver=_Resolver(self._is_allowed), use_dns_cache=False, ssl=self._tls or True, limit=50
            )
            self._session = aiohttp.ClientSession(connector=connector, trust_env=False, auto_decompress=False)
        return self._session


class _Resolver(AbstractResolver):
    """Resolves a name, and returns its addresses only if all of them are allowed."""

    def __init__(self, is_allowed: IsAllowed) -> None:
        self._is_allowed = is_allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        addresses = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        results: list[ResolveResult] = []
        for kind, _, proto, _, address in addresses:
            if not self._is_allowed(ipaddress.ip_address(str(address[0]).partition("%")[0])):
                raise ForbiddenAddressError("the host has an address that is not of the public internet")
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


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


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
