"""Serves the endpoint for Meta's webhooks: verifies the handshake and the signature, appends to the stream, answers 200.

It parses nothing and touches no database. `WebhookEndpoint` is the one implementation: the front server asks it step by step, a
Flask blueprint serves it, and `short_circuit` answers the same route before Flask, which costs more than the endpoint itself. No
body, header or query is logged.
"""

import hmac
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs

from flask import Blueprint, Response, request
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from bot.webhooks.signature import is_authentic, is_signature
from bot.webhooks.stream import EventStream, StreamSilentError, StreamUnavailableError
from models.config import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PATH = "/webhooks/whatsapp"
MAX_BYTES = 3 * 1024 * 1024 + 256 * 1024
"""Meta's bodies have up to 3 MB (docs/meta.md §7.3); the rest is margin."""
CHUNK_BYTES = 64 * 1024
CONNECT_SECONDS = 0.2
ANSWER_SECONDS = 0.7
"""Together under a second: if Redis is away, the answer is a 503 within that time."""
SILENT_SECONDS = 0.5
"""After a time-out no request waits for Redis for this long: else every thread of the web server would hang."""

SIGNATURE_HEADER = "X-Hub-Signature-256"
_PHRASES = {
    200: "200 OK",
    400: "400 Bad Request",
    401: "401 Unauthorized",
    403: "403 Forbidden",
    405: "405 Method Not Allowed",
    413: "413 Content Too Large",
    503: "503 Service Unavailable",
}

log = logging.getLogger(__name__)


HeaderOf = Callable[[str], str | None]
"""Returns a header of the request by its name; None if it is missing."""


class WebhookReply(NamedTuple):
    """The endpoint's response."""

    status: int
    body: bytes = b""


OK = WebhookReply(200, b"OK")
BAD_LENGTH = WebhookReply(400, b"the Content-Length is no number")
NOT_SIGNED = WebhookReply(401, b"the signature is missing or wrong")
NOT_VERIFIED = WebhookReply(403, b"the verify token is wrong")
NO_SUCH_METHOD = WebhookReply(405, b"allowed are GET and POST")
TOO_LARGE = WebhookReply(413, b"the body is larger than 3 MB")
UNAVAILABLE = WebhookReply(503, b"the event cannot be kept now; send it again")


class WebhookEndpoint:
    """Answers a request that any of the `secrets` signed (they rotate); without a secret every event is refused."""

    path = PATH
    methods: tuple[str, ...] = ("GET", "POST")

    def __init__(self, secrets: Sequence[str], verify_token: str | None, stream: EventStream) -> None:
        self.secrets = tuple(secrets)
        self.verify_token = verify_token
        self.stream = stream
        self._silent_until = 0.0
        """On the monotonic clock; 0.0 while Redis answers."""

    def answer(self, environ: "WSGIEnvironment") -> WebhookReply:
        """Return the response to a WSGI request. Never raises for a client's input; 503 if the stream is not available."""
        method = environ.get("REQUEST_METHOD")
        if method == "POST":
            return self._receive(environ)
        if method == "GET":
            return self.verify(environ.get("QUERY_STRING", ""))
        return NO_SUCH_METHOD

    def verify(self, query: str) -> WebhookReply:
        """Return the response to Meta's handshake, whose parameters are in the query string."""
        try:
            parameters = parse_qs(query, keep_blank_values=True, max_num_fields=20)
        except ValueError:
            return NOT_VERIFIED
        mode, token, challenge = (
            parameters.get(f"hub.{name}", [""])[0] for name in ("mode", "verify_token", "challenge")
        )
        if not self.verify_token or mode != "subscribe":
            return NOT_VERIFIED
        if not hmac.compare_digest(token.encode(errors="replace"), self.verify_token.encode()):
            return NOT_VERIFIED
        return WebhookReply(200, challenge.encode(errors="replace"))

    def check_head(self, length: int | None, header_of: HeaderOf) -> WebhookReply | None:
        """Return the refusal of a POST whose body needs not be read; `length` as of `content_length`."""
        if length is not None and not 0 <= length <= MAX_BYTES:
            return BAD_LENGTH if length < 0 else TOO_LARGE
        return None if is_signature(header_of(SIGNATURE_HEADER)) else NOT_SIGNED

    def check_body(self, raw: bytes, header_of: HeaderOf) -> WebhookReply | None:
        """Return the refusal of a body that nobody signed; None if it is authentic."""
        return None if is_authentic(header_of(SIGNATURE_HEADER), raw, self.secrets) else NOT_SIGNED

    def entry(self, raw: bytes, _header_of: HeaderOf) -> bytes:
        """Return what the stream keeps of an authentic POST: the body as it is."""
        return raw

    def _receive(self, environ: "WSGIEnvironment") -> WebhookReply:
        length, header_of = content_length(environ), environ_header(environ)
        if refusal := self.check_head(length, header_of):
            return refusal
        raw = read_body(environ, length)
        if len(raw) > MAX_BYTES:
            return TOO_LARGE
        return self.check_body(raw, header_of) or self._store(raw)

    def _store(self, raw: bytes) -> WebhookReply:
        if self._silent_until:
            now = time.monotonic()
            if now < self._silent_until:
                return UNAVAILABLE
            # This request tries Redis; others answer 503 at once while it waits.
            self._silent_until = now + CONNECT_SECONDS + ANSWER_SECONDS
        try:
            self.stream.append(raw)
        except StreamUnavailableError as error:
            is_silent = isinstance(error, StreamSilentError)
            self._silent_until = time.monotonic() + SILENT_SECONDS if is_silent else 0.0
            log.warning("webhook: event not taken, answered 503: %s", error)
            return UNAVAILABLE
        self._silent_until = 0.0
        return OK


def make_endpoint(settings: Settings) -> WebhookEndpoint:
    """Build the endpoint from the settings. Does not connect yet."""
    stream = EventStream(endpoint_redis(settings), settings.stream_bound)
    return WebhookEndpoint(settings.meta_app_secrets, settings.meta_verify_token, stream)


def endpoint_redis(settings: Settings) -> Redis:
    """Return a Redis client for an endpoint, which gives up within a second."""
    return Redis.from_url(
        settings.redis_socket_url,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        # One retry, for a connection that Redis closed meanwhile (a restart). Applying the same event twice changes nothing.
        retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
    )


def make_blueprint(endpoint: WebhookEndpoint) -> Blueprint:
    """Build the Flask blueprint that serves the endpoint."""
    blueprint = Blueprint("webhook", __name__)

    @blueprint.route(PATH, methods=["GET", "POST"])
    def receive_webhook() -> Response:
        reply = endpoint.answer(request.environ)
        return Response(reply.body, reply.status, dict(headers_of(reply)))

    return blueprint


def short_circuit(app: "WSGIApplication", endpoint: WebhookEndpoint) -> "WSGIApplication":
    """Wrap `app` so that the endpoint's path is answered before it; every other path goes to `app`."""

    def serve(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ.get("PATH_INFO") != PATH:
            return app(environ, start_response)
        reply = endpoint.answer(environ)
        start_response(_PHRASES[reply.status], headers_of(reply))
        return [reply.body]

    return serve


def headers_of(reply: WebhookReply) -> list[tuple[str, str]]:
    """Return the response's headers."""
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(reply.body))),
        ("X-Content-Type-Options", "nosniff"),  # the handshake echoes a value of the request
    ]
    if reply.status == 405:
        headers.append(("Allow", "GET, POST"))
    return headers


def environ_header(environ: "WSGIEnvironment") -> HeaderOf:
    """Return the function that reads a header of a WSGI request."""
    return lambda name: environ.get(f"HTTP_{name.upper().replace('-', '_')}")


def content_length(environ: "WSGIEnvironment") -> int | None:
    """Return the length in bytes; None without a Content-Length (chunked), -1 if it is not a number."""
    return read_length(environ.get("CONTENT_LENGTH"))


def read_length(header: str | None) -> int | None:
    """Return the value of a Content-Length; None if there is none, -1 if it is not a number."""
    if not header:
        return None
    return int(header) if header.isascii() and header.isdigit() and len(header) < 19 else -1


def read_body(environ: "WSGIEnvironment", length: int | None) -> bytes:
    """Read the body; without a length at most one byte more than `MAX_BYTES`, so that no client fills the memory."""
    read: Callable[[int], Any] = environ["wsgi.input"].read
    if length is None:
        is_terminated = (
            environ.get("wsgi.input_terminated") or "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
        )
        if not is_terminated:
            return b""  # HTTP: no body; reading would block for ever
        return _read_up_to(read, MAX_BYTES + 1)
    raw: bytes = read(length)
    if len(raw) < length:
        raw += _read_up_to(read, length - len(raw))
    return raw


def _read_up_to(read: Callable[[int], Any], remaining: int) -> bytes:
    chunks: list[bytes] = []
    while remaining > 0:
        chunk = read(min(CHUNK_BYTES, remaining))
        if not chunk:
            break
        chunks.append(chunk)
        remaining -= len(chunk)
    return b"".join(chunks)
