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
    WebhookReply,
    content_length,
    endpoint_redis,
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

    def __init__(self, secrets: Sequence[str], stream: EventStream) -> None:
        self.secrets = tuple(secrets)
        self.stream = stream

    def answer(self, environ: "WSGIEnvironment") -> WebhookReply:
        """Return the response. Never raises for a client's input; 503 if the stream is not available."""
        length = content_length(environ)
        if length is not None and not 0 <= length <= MAX_BYTES:
            return BAD_LENGTH if length < 0 else TOO_LARGE
        signature = environ.get("HTTP_X_SHOPIFY_HMAC_SHA256")
        if not signature or not self.secrets:
            return NOT_SIGNED
        raw = read_body(environ, length)
        if len(raw) > MAX_BYTES:
            return TOO_LARGE
        if not is_authentic_shop_body(signature, raw, self.secrets):
            return NOT_SIGNED
        try:
            self.stream.append(build_entry(environ, raw))
        except StreamUnavailableError as error:
            log.warning("shop: event not taken, answered 503: %s", error)
            return UNAVAILABLE
        return OK


def build_entry(environ: "WSGIEnvironment", raw: bytes) -> bytes:
    """Build the stream's entry: a line with `SHOP_MARK` and JSON of the headers' values, then the raw body."""
    names = {"topic": "TOPIC", "shop": "SHOP_DOMAIN", "id": "WEBHOOK_ID"}
    values = {key: str(environ.get(f"HTTP_X_SHOPIFY_{name}", ""))[:MAX_HEADER] for key, name in names.items()}
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
