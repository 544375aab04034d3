"""Answers webhooks on the event loop: checks the signature, has the event kept in Redis, answers. Touches no database."""

from collections import Counter
from typing import Protocol

from aiohttp import web

from admin.front.bodies import BodyError, HeldBytes, read_webhook
from admin.front.connections import Connection, Stage
from admin.front.limits import FrontLimits
from admin.front.pages import SERVER, error_page
from bot.webhooks.event_writer import EventWriter
from bot.webhooks.stream import EventStream, StreamUnavailableError
from bot.webhooks.whatsapp import (
    MAX_BYTES,
    NO_SUCH_METHOD,
    OK,
    TOO_LARGE,
    UNAVAILABLE,
    HeaderOf,
    WebhookReply,
    headers_of,
    read_length,
)


class Endpoint(Protocol):
    """What `bot.webhooks` offers for Meta and for shops."""

    path: str
    methods: tuple[str, ...]
    stream: EventStream

    def check_head(self, length: int | None, header_of: HeaderOf) -> WebhookReply | None: ...

    def check_body(self, raw: bytes, header_of: HeaderOf) -> WebhookReply | None: ...

    def entry(self, raw: bytes, header_of: HeaderOf) -> bytes: ...


class HandshakeEndpoint(Endpoint, Protocol):
    """One that answers GET too."""

    def verify(self, query: str) -> WebhookReply: ...


class WebhookServer:
    """Serves the endpoints."""

    def __init__(
        self, meta: HandshakeEndpoint, others: list[Endpoint], writer: EventWriter, limits: FrontLimits
    ) -> None:
        self.answered: Counter[int] = Counter()
        """Status → answers."""
        self._meta = meta
        self._endpoints: dict[str, Endpoint] = {endpoint.path: endpoint for endpoint in (meta, *others)}
        self._writer = writer
        self._limits = limits
        self._held = HeldBytes(limits.held_bodies)

    async def answer(self, request: web.BaseRequest, path: str, query: str, connection: Connection) -> web.Response:
        """Return the response for a path under /webhooks/."""
        endpoint = self._endpoints.get(path)
        if endpoint is None:
            return error_page(request, 404)
        try:
            reply = await self._reply(request, endpoint, query, connection)
        except BodyError as error:
            if error.status != TOO_LARGE.status:
                self.answered[error.status] += 1
                return error_page(request, error.status, "The event was not taken; send it again.")
            reply = TOO_LARGE
        self.answered[reply.status] += 1
        response = web.Response(body=reply.body, status=reply.status, headers=dict(headers_of(reply)) | SERVER)
        if reply is NO_SUCH_METHOD:
            response.headers["Allow"] = ", ".join(endpoint.methods)
        return response

    async def _reply(
        self, request: web.BaseRequest, endpoint: Endpoint, query: str, connection: Connection
    ) -> WebhookReply:
        if request.method not in endpoint.methods:
            return NO_SUCH_METHOD
        if request.method == "GET":
            return self._meta.verify(query)
        header_of = request.headers.get
        refusal = endpoint.check_head(read_length(request.headers.get("Content-Length")), header_of)
        if refusal is not None:
            return refusal
        with self._held.share() as share:
            if not request.content.is_eof():
                connection.enter(Stage.BODY)
            raw = await read_webhook(request, MAX_BYTES, self._held, share, self._limits)
            connection.enter(Stage.WORK)
            if refusal := endpoint.check_body(raw, header_of):
                return refusal
            try:
                await self._writer.append(endpoint.stream, endpoint.entry(raw, header_of))
            except StreamUnavailableError:
                return UNAVAILABLE
        return OK
