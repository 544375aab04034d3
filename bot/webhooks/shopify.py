"""The shop's door: the signature, the stream, 200. As Meta's door it parses nothing and touches no database.

Shopify signs the raw body: base64 of HMAC-SHA256 with the app's secret, in X-Shopify-Hmac-Sha256. What the event is about stands in
headers, which go into the stream with the body.
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
    NOT_TAKEN,
    OK,
    TOO_LARGE,
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
    """The header's value for this body."""
    return base64.b64encode(hmac.digest(secret.encode(), raw, "sha256")).decode()


def is_authentic_shop_body(header: str | None, raw: bytes, secrets: Iterable[str]) -> bool:
    """Whether one of the secrets made the signature. Every secret is tried, and compared in constant time."""
    given = (header or "").encode("utf-8", "replace")
    found = False
    for secret in secrets:
        found |= hmac.compare_digest(sign_shop_body(secret, raw).encode(), given)
    return found


class ShopEndpoint:
    """Answers a POST. Any of the `secrets` may have signed it (they rotate); without any, nobody enters."""

    def __init__(self, secrets: Sequence[str], stream: EventStream) -> None:
        self.secrets = tuple(secrets)
        self.stream = stream

    def answer(self, environ: "WSGIEnvironment") -> WebhookReply:
        """Never raises for anything that a client sends."""
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
            self.stream.append(entry_of(environ, raw))
        except StreamUnavailableError as error:
            log.warning("shop: event not taken, answered 503: %s", error)
            return NOT_TAKEN
        return OK


def entry_of(environ: "WSGIEnvironment", raw: bytes) -> bytes:
    """What the stream keeps: a line with what the headers say, and the body as it came."""
    names = {"topic": "TOPIC", "shop": "SHOP_DOMAIN", "id": "WEBHOOK_ID"}
    said = {key: str(environ.get(f"HTTP_X_SHOPIFY_{name}", ""))[:MAX_HEADER] for key, name in names.items()}
    return SHOP_MARK + json.dumps(said).encode() + b"\n" + raw


def make_shop_endpoint(settings: Settings) -> ShopEndpoint:
    """The shop's door of this installation. Connects to nothing yet."""
    return ShopEndpoint(settings.shopify_secrets, shop_stream(endpoint_redis(settings), settings.stream_bound))


def shop_stream(redis: Redis, bound: int) -> EventStream:
    """What shops said and is not applied yet."""
    return EventStream(redis, bound, KEY)


def make_shop_blueprint(door: ShopEndpoint) -> Blueprint:
    """The route under Flask."""
    blueprint = Blueprint("shopify", __name__)

    @blueprint.post(PATH)
    def receive_shop_event() -> Response:
        reply = door.answer(request.environ)
        return Response(reply.body, reply.status, dict(headers_of(reply)))

    return blueprint
