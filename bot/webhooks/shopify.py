"""Serves the endpoint for Shopify's webhooks: checks the signature, appends to the stream, answers 200. Parses nothing.

Shopify signs the raw body: base64 of HMAC-SHA256 with the app's secret, in X-Shopify-Hmac-Sha256. Topic, shop and event id are
in headers, which go into the stream with the body.
"""

import base64
import hmac
import json
import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from flask import Blueprint, Response, request
from redis import Redis

from bot.webhooks.stream import EventStream, StreamUnavailableError
from bot.webhooks.whatsapp import (
    BAD_LENGTH,
    MAX_BYTES,
    NOT_SIGNED,
    OK,
    TOO_LARGE,
    UNAVAILABLE,
    HeaderOf,
    WebhookReply,
    content_length,
    endpoint_redis,
    environ_header,
    headers_of,
    read_body,
)
from models.config import Settings
from models.tables.webhook_event import SHOP_MARK

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

PATH = "/webhooks/shopify"
KEY = "hark:shop-events"
MAX_HEADER = 200
SIGNATURE_HEADER = "X-Shopify-Hmac-Sha256"
_KEPT_HEADERS = {"topic": "Topic", "shop": "Shop-Domain", "id": "Webhook-Id"}

log = logging.getLogger(__name__)


def sign_shop_body(secret: str, raw: bytes) -> str:
    """Return the value of X-Shopify-Hmac-Sha256 for this body."""
    return base64.b64encode(hmac.digest(secret.encode(), raw, "sha256")).decode()


def is_authentic_shop_body(header: str | None, raw: bytes, secrets: Iterable[str]) -> bool:
    """Return whether the signature is of one of the secrets. Each is compared, in constant time."""
    signature = (header or "").encode("utf-8", "replace")
    is_authentic = False
    for secret in secrets:
        is_authentic |= hmac.compare_digest(sign_shop_body(secret, raw).encode(), signature)
    return is_authentic


class ShopEndpoint:
    """Answers a POST that any of the `secrets` signed (they rotate); without a secret every request is refused."""

    path = PATH
    methods: tuple[str, ...] = ("POST",)

    def __init__(self, secrets: Sequence[str], stream: EventStream) -> None:
        self.secrets = tuple(secrets)
        self.stream = stream

    def answer(self, environ: "WSGIEnvironment") -> WebhookReply:
        """Return the response to a WSGI request. Never raises for a client's input; 503 if the stream is not available."""
        length, header_of = content_length(environ), environ_header(environ)
        if refusal := self.check_head(length, header_of):
            return refusal
        raw = read_body(environ, length)
        if len(raw) > MAX_BYTES:
            return TOO_LARGE
        if refusal := self.check_body(raw, header_of):
            return refusal
        try:
            self.stream.append(self.entry(raw, header_of))
        except StreamUnavailableError as error:
            log.warning("shop: event not taken, answered 503: %s", error)
            return UNAVAILABLE
        return OK

    def check_head(self, length: int | None, header_of: HeaderOf) -> WebhookReply | None:
        """Return the refusal of a POST whose body needs not be read; `length` as of `content_length`."""
        if length is not None and not 0 <= length <= MAX_BYTES:
            return BAD_LENGTH if length < 0 else TOO_LARGE
        return None if header_of(SIGNATURE_HEADER) and self.secrets else NOT_SIGNED

    def check_body(self, raw: bytes, header_of: HeaderOf) -> WebhookReply | None:
        """Return the refusal of a body that nobody signed; None if it is authentic."""
        return None if is_authentic_shop_body(header_of(SIGNATURE_HEADER), raw, self.secrets) else NOT_SIGNED

    def entry(self, raw: bytes, header_of: HeaderOf) -> bytes:
        """Return what the stream keeps: a line with `SHOP_MARK` and JSON of the headers' values, then the raw body."""
        values = {key: (header_of(f"X-Shopify-{name}") or "")[:MAX_HEADER] for key, name in _KEPT_HEADERS.items()}
        return SHOP_MARK + json.dumps(values).encode() + b"\n" + raw


def make_shop_endpoint(settings: Settings) -> ShopEndpoint:
    """Build the endpoint from the settings. Does not connect yet."""
    return ShopEndpoint(settings.shopify_secrets, shop_stream(endpoint_redis(settings), settings.stream_bound))


def shop_stream(redis: Redis, bound: int) -> EventStream:
    """Return the stream of shop events that are not applied yet; `bound` is its maximal length."""
    return EventStream(redis, bound, KEY)


def make_shop_blueprint(endpoint: ShopEndpoint) -> Blueprint:
    """Build the Flask blueprint that serves the endpoint."""
    blueprint = Blueprint("shopify", __name__)

    @blueprint.post(PATH)
    def receive_shop_event() -> Response:
        reply = endpoint.answer(request.environ)
        return Response(reply.body, reply.status, dict(headers_of(reply)))

    return blueprint
