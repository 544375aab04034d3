"""Makes the HTTP calls of bot flows: claims their rows and stores each result, which becomes an input of the session."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from datetime import datetime
from typing import TypeVar

import orjson
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from bot.flows.secrets import resolved
from bot.outbound.client import Answer, ForbiddenAddressError, OutboundHttpClient, UnreachableError, sign_request
from bot.outbound.masking import Masker
from bot.outbound.rules import rules_of
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
from models.conversations.flow_secrets import decrypted
from models.crypto import WrongKeyError, signing_secret
from models.errors import HarkError
from models.tables.flow_secret import FlowSecret

log = logging.getLogger("hark.callout")

MAX_AT_ONCE = 50
FAILED: dict[str, object] = {"ok": False}
T = TypeVar("T")


class MissingSecretError(HarkError):
    """The call names a secret that is not set, or that none of the keys decrypts."""


class HttpCaller:
    """Makes calls from one event loop. Its database work runs in `executor`."""

    def __init__(self, rt: Runtime, executor: Executor, client: OutboundHttpClient | None = None) -> None:
        self._rt = rt
        self._executor = executor
        self._client = client or OutboundHttpClient(rules_of(rt.settings))

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
            secrets = await self._in_thread(self._secrets)
            answer = await self._call(call, secrets)
            result = {"ok": answer.is_ok, "status": answer.status, "body": Masker(secrets.values()).mask(answer.body)}
        except (ForbiddenAddressError, MissingSecretError) as error:
            log.warning("action %d: not called: %s", call.id, error)
            result = FAILED
        except UnreachableError as error:
            log.warning("action %d: no answer (%s), attempt %d of %d", call.id, error, call.attempt, MAX_ATTEMPTS)
            result = FAILED if call.attempt >= MAX_ATTEMPTS else None
        except DBAPIError as error:
            log.warning("action %d: not called (%s); called later", call.id, type(error).__name__)
            return
        await self._in_thread(lambda: self._keep(call, result, utcnow()))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    def _secrets(self) -> dict[str, str]:
        """Every secret by its name, as it is at the moment of the call. One that no key decrypts is left out."""
        with self._rt.database.read() as session:
            rows = list(session.scalars(select(FlowSecret)))
        secrets = {}
        for row in rows:
            try:
                secrets[row.name] = decrypted(row, self._rt.vault)
            except WrongKeyError as error:
                log.warning("%s: no call that names it is made; put that key back, or set the secret again", error)
        return secrets

    async def _call(self, call: HttpCall, secrets: Mapping[str, str]) -> Answer:
        request = call.payload
        content = request["body"]
        try:
            headers = {name: resolved(text, secrets) for name, text in request["headers"].items()}
            if (
                content is not None and not request["signed"]
            ):  # the body of an external bot holds what people wrote, and no names
                content = {name: resolved(text, secrets) for name, text in content.items()}
        except KeyError as error:
            raise MissingSecretError(
                f"the secret {error.args[0]} of bot flows is not set, or cannot be decrypted"
            ) from None
        body = None if content is None else orjson.dumps(content)
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

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)
