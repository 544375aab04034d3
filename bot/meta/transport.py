"""Implements httpx's transport over aiohttp, and distinguishes requests that were certainly not sent from those that may have been.

Stock httpx carries about 100 requests a second, because its pool is quadratic in connections. The ready-made bridge to aiohttp
names a connection that was lost after the body had been read like one that was never made (`ConnectTimeout`); a retry on
that sends twice. So this one is our own, and raises two exceptions, by what the caller must do:

    TransportError
    ├── NothingSentError      no connection: name resolution, TLS, refused, connect time-out
    └── UncertainSendError    anything later: the request, or a part of it, may have arrived
"""

from types import TracebackType

import aiohttp
import httpx

from models.errors import HarkError

CONNECT_TIMEOUT_SECONDS = 4.0
CONNECT_SHARE = 0.7
"""Share of the whole time-out for everything before the first byte. It ends first, also if a name server hangs: such a request was
certainly not sent."""
IDLE_SECONDS = 2.0
"""A connection that was idle longer is not used again: the other side may be closing it."""
MAX_BODY_BYTES = 65_536


class TransportError(HarkError):
    """A request without a complete answer."""


class NothingSentError(TransportError):
    """No byte of the request was written."""


class UncertainSendError(TransportError):
    """The request may have arrived."""


class AiohttpTransport(httpx.AsyncBaseTransport):
    """One keep-alive pool. No redirects, no proxy, no decompression; bodies are capped.

    `timeout_seconds` bounds the whole request. aiohttp repeats only idempotent methods on a stale connection, never a POST.
    """

    def __init__(self, *, timeout_seconds: float = 8.0, connections: int = 512) -> None:
        self._timeout = aiohttp.ClientTimeout(
            total=timeout_seconds,
            connect=CONNECT_SHARE * timeout_seconds,
            sock_connect=min(CONNECT_TIMEOUT_SECONDS, timeout_seconds),
        )
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request once and return the answer, whatever its status.

        Raises NothingSentError if no byte was written, UncertainSendError if the request may have arrived.
        """
        session = self._session or self._open()
        try:
            async with session.request(
                request.method,
                str(request.url),
                headers=dict(request.headers),
                data=request.content or None,
                allow_redirects=False,
            ) as answer:
                encoding = answer.headers.get("Content-Encoding", "identity").lower()
                if encoding != "identity":  # httpx would decompress it, whatever its size; we asked for no encoding
                    raise UncertainSendError(f"encoded as {encoding[:20]}")
                body = await _read_capped(answer.content)
                return httpx.Response(answer.status, headers=list(answer.headers.items()), content=body)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            raise NothingSentError(_describe(error)) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UncertainSendError(type(error).__name__) from error

    def _open(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=IDLE_SECONDS, ttl_dns_cache=30)
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=self._timeout,
            auto_decompress=False,
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
        )
        return self._session

    async def aclose(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def __aenter__(self) -> "AiohttpTransport":
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.aclose()


def _describe(error: Exception) -> str:
    """Return a sentence for an error that an operator can fix, else the error's class."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "the certificate at GRAPH_API_URL is not one to trust"
    return type(error).__name__


async def _read_capped(stream: aiohttp.StreamReader) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in stream.iter_any():
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise aiohttp.ClientPayloadError("the answer is too large")
        parts.append(part)
    return b"".join(parts)
