"""Meta's door: the handshake, the signature, the stream, 200. It parses nothing and touches no database.

`Door` is the one implementation. A Flask blueprint serves it, and `fast_wsgi` answers the same route before Flask's stack,
which costs more than all that is done here. Nothing is logged of a body, a header or a query.
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
PIECE_BYTES = 64 * 1024
CONNECT_SECONDS = 0.2
ANSWER_SECONDS = 0.7
"""Together under a second: whoever waits for a Redis that is away gets a 503 within it."""
SILENT_SECONDS = 0.5
"""After a time-out nobody waits for Redis for so long: else every thread of the web server would hang with it."""

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


class WebhookReply(NamedTuple):
    """What the door answers."""

    status: int
    body: bytes = b""


OK = WebhookReply(200, b"OK")
BAD_LENGTH = WebhookReply(400, b"the Content-Length is no number")
NOT_SIGNED = WebhookReply(401, b"the signature is missing or wrong")
NOT_VERIFIED = WebhookReply(403, b"the verify token is wrong")
NO_SUCH_METHOD = WebhookReply(405, b"allowed are GET and POST")
TOO_LARGE = WebhookReply(413, b"the body is larger than 3 MB")
NOT_TAKEN = WebhookReply(503, b"the event cannot be kept now; send it again")


class WebhookEndpoint:
    """Answers one WSGI request. Any of the `secrets` may have signed it (they rotate); without any, nobody enters."""

    def __init__(self, secrets: Sequence[str], verify_token: str | None, stream: EventStream) -> None:
        self.secrets = tuple(secrets)
        self.verify_token = verify_token
        self.stream = stream
        self._silent_until = 0.0
        """On the monotonic clock; 0.0 while Redis answers."""

    def answer(self, environ: "WSGIEnvironment") -> WebhookReply:
        """Never raises for anything that a client sends."""
        method = environ.get("REQUEST_METHOD")
        if method == "POST":
            return self._receive(environ)
        if method == "GET":
            return self._shake_hands(environ.get("QUERY_STRING", ""))
        return NO_SUCH_METHOD

    def _shake_hands(self, query: str) -> WebhookReply:
        try:
            given = parse_qs(query, keep_blank_values=True, max_num_fields=20)
        except ValueError:
            return NOT_VERIFIED
        mode, token, challenge = (given.get(f"hub.{name}", [""])[0] for name in ("mode", "verify_token", "challenge"))
        if not self.verify_token or mode != "subscribe":
            return NOT_VERIFIED
        if not hmac.compare_digest(token.encode(errors="replace"), self.verify_token.encode()):
            return NOT_VERIFIED
        return WebhookReply(200, challenge.encode(errors="replace"))

    def _receive(self, environ: "WSGIEnvironment") -> WebhookReply:
        length = content_length(environ)
        if length is not None and not 0 <= length <= MAX_BYTES:
            return BAD_LENGTH if length < 0 else TOO_LARGE
        signature = environ.get("HTTP_X_HUB_SIGNATURE_256")
        if not is_signature(signature):
            return NOT_SIGNED
        raw = read_body(environ, length)
        if len(raw) > MAX_BYTES:
            return TOO_LARGE
        return self._keep(raw) if is_authentic(signature, raw, self.secrets) else NOT_SIGNED

    def _keep(self, raw: bytes) -> WebhookReply:
        if self._silent_until:
            now = time.monotonic()
            if now < self._silent_until:
                return NOT_TAKEN
            # This one tries; the others go on without while it waits.
            self._silent_until = now + CONNECT_SECONDS + ANSWER_SECONDS
        try:
            self.stream.append(raw)
        except StreamUnavailableError as error:
            is_silent = isinstance(error, StreamSilentError)
            self._silent_until = time.monotonic() + SILENT_SECONDS if is_silent else 0.0
            log.warning("webhook: event not taken, answered 503: %s", error)
            return NOT_TAKEN
        self._silent_until = 0.0
        return OK


def make_endpoint(settings: Settings) -> WebhookEndpoint:
    """The door of this installation. Connects to nothing yet."""
    stream = EventStream(endpoint_redis(settings), settings.stream_bound)
    return WebhookEndpoint(settings.meta_app_secrets, settings.meta_verify_token, stream)


def endpoint_redis(settings: Settings) -> Redis:
    """A Redis client of a door's own, which gives up within a second."""
    return Redis.from_url(
        settings.redis_socket_url,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        # Once more on a connection that Redis closed meanwhile (it was restarted). The same event twice changes nothing.
        retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
    )


def make_blueprint(door: WebhookEndpoint) -> Blueprint:
    """The route under Flask."""
    blueprint = Blueprint("webhook", __name__)

    @blueprint.route(PATH, methods=["GET", "POST"])
    def receive_webhook() -> Response:
        reply = door.answer(request.environ)
        return Response(reply.body, reply.status, dict(headers_of(reply)))

    return blueprint


def short_circuit(app: "WSGIApplication", door: WebhookEndpoint) -> "WSGIApplication":
    """The same route before `app`: every other path goes on to it."""

    def serve(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ.get("PATH_INFO") != PATH:
            return app(environ, start_response)
        reply = door.answer(environ)
        start_response(_PHRASES[reply.status], headers_of(reply))
        return [reply.body]

    return serve


def headers_of(reply: WebhookReply) -> list[tuple[str, str]]:
    """The answer's headers."""
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(reply.body))),
        ("X-Content-Type-Options", "nosniff"),  # the handshake gives back what it was sent
    ]
    if reply.status == 405:
        headers.append(("Allow", "GET, POST"))
    return headers


def content_length(environ: "WSGIEnvironment") -> int | None:
    """None where the body ends when it ends (chunked); -1 for nonsense."""
    given = environ.get("CONTENT_LENGTH") or ""
    if not given:
        return None
    return int(given) if given.isascii() and given.isdigit() and len(given) < 19 else -1


def read_body(environ: "WSGIEnvironment", length: int | None) -> bytes:
    """The body; without a length up to one byte more than is allowed, so that nobody fills the memory."""
    read: Callable[[int], Any] = environ["wsgi.input"].read
    if length is None:
        is_terminated = (
            environ.get("wsgi.input_terminated") or "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
        )
        if not is_terminated:
            return b""  # no body by HTTP's rules; reading would wait for ever
        return _read_up_to(read, MAX_BYTES + 1)
    raw: bytes = read(length)
    if len(raw) < length:
        raw += _read_up_to(read, length - len(raw))
    return raw


def _read_up_to(read: Callable[[int], Any], most: int) -> bytes:
    pieces: list[bytes] = []
    while most > 0:
        piece = read(min(PIECE_BYTES, most))
        if not piece:
            break
        pieces.append(piece)
        most -= len(piece)
    return b"".join(pieces)
