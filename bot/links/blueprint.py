"""Serves tracked links as a Flask blueprint, for a process that no front server stands before.

The one implementation runs on an event loop of its own, in a thread that begins with the first request.
"""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any

from flask import Blueprint, Response, request

from bot.links.destinations import DEADLINE_SECONDS
from bot.links.redirect import HEADERS, PATH, UNAVAILABLE, LinkReply, LinkServer, make_link_server
from models.config import Settings


class LinkThread:
    """A link server on a loop in a thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: LinkServer | None = None

    def answer(self, method: str, code: str, headers: Any) -> LinkReply:
        """Answer a request; see LinkServer.answer."""
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="links", daemon=True).start()
        return self._run(self._loop, self._answer(method, code, headers))

    async def _answer(self, method: str, code: str, headers: Any) -> LinkReply:
        if self._server is None:
            self._server = make_link_server(self._settings)
        return await self._server.answer(method, code, headers)

    @staticmethod
    def _run(loop: asyncio.AbstractEventLoop, answer: Coroutine[Any, Any, LinkReply]) -> LinkReply:
        try:
            return asyncio.run_coroutine_threadsafe(answer, loop).result(2 * DEADLINE_SECONDS)
        except FutureTimeoutError:
            return UNAVAILABLE


def make_link_blueprint(settings: Settings) -> Blueprint:
    """Build the blueprint. Nothing begins before the first request."""
    blueprint = Blueprint("links", __name__)
    thread = LinkThread(settings)

    @blueprint.route(f"{PATH}<path:code>", methods=["GET"], provide_automatic_options=False)
    def follow_link(code: str) -> Response:
        reply = thread.answer(request.method, code, request.headers)
        location = {} if reply.location is None else {"Location": reply.location}
        text = {404: "There is nothing at this address.\n", 503: "Try again in a moment.\n"}.get(reply.status, "")
        return Response(text, reply.status, HEADERS | location, mimetype="text/plain")

    return blueprint
