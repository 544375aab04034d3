"""Makes the HTTP calls of bot flows: claims their rows and stores each result, which becomes an input of the session."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import datetime

import orjson
from sqlalchemy.exc import DBAPIError

from bot.outbound.client import Answer, ForbiddenAddressError, OutboundHttpClient, UnreachableError, sign_request
from bot.outbound.rules import OutboundRules
from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.conversations.flow_http_calls import (
    MAX_ATTEMPTS,
    HttpCall,
    claim_calls,
    due_calls,
    finish_call,
    retry_call,
)
from models.crypto import signing_secret

log = logging.getLogger("hark.callout")

MAX_AT_ONCE = 50
FAILED: dict[str, object] = {"ok": False}


class HttpCaller:
    """Makes calls from one event loop. Its database work runs in `executor`."""

    def __init__(self, rt: Runtime, executor: Executor, client: OutboundHttpClient | None = None) -> None:
        self._rt = rt
        self._executor = executor
        self._client = client or OutboundHttpClient(OutboundRules(rt.settings.outbound_allow))

    def claim(self, room: int) -> list[HttpCall]:
        """Claim up to `room` due calls. Blocks, so it runs in a thread."""
        now = utcnow()
        with self._rt.database.read() as session:
            ids = due_calls(session, now, min(room, MAX_AT_ONCE))
        if not ids:
            return []
        with self._rt.database.write() as session:
            return claim_calls(session, ids, now)

    async def make(self, call: HttpCall) -> None:
        """Make one call and store its result. A cancelled call is made again when its claim has run out."""
        result: dict[str, object] | None
        try:
            answer = await self._call(call)
            result = {"ok": answer.is_ok, "status": answer.status, "body": answer.body}
        except ForbiddenAddressError as error:
            log.warning("action %d: not called: %s", call.id, error)
            result = FAILED
        except UnreachableError as error:
            log.warning("action %d: no answer (%s), attempt %d of %d", call.id, error, call.attempt, MAX_ATTEMPTS)
            result = FAILED if call.attempt >= MAX_ATTEMPTS else None
        await self._in_thread(lambda: self._keep(call, result, utcnow()))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _call(self, call: HttpCall) -> Answer:
        request = call.payload
        body = None if request["body"] is None else orjson.dumps(request["body"])
        headers = dict(request["headers"])
        headers["Idempotency-Key"] = f"hark-{self._rt.installation}-{call.id}"
        if request["signed"]:
            headers |= sign_request(
                signing_secret(self._rt.settings.secret_key), int(utcnow().timestamp()), body or b""
            )
        return await self._client.call(
            request["method"], request["url"], headers, body, float(request["timeout_seconds"])
        )

    def _keep(self, call: HttpCall, result: dict[str, object] | None, now: datetime) -> None:
        try:
            with self._rt.database.write() as session:
                if result is None:
                    retry_call(session, call.id, call.attempt, now)
                else:
                    finish_call(session, call.id, call.attempt, dict(result), now)
        except DBAPIError as error:
            log.warning("action %d: its result is lost (%s); called again later", call.id, type(error).__name__)

    async def _in_thread(self, work: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._executor, work)
