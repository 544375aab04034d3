"""Provides what HTTP handlers share: JSON in and out, Meta's error envelope, the check of the token."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from bot.sandbox.config import ConfigError
from bot.sandbox.errors import SandboxGraphError
from bot.sandbox.misbehaviour import before as misbehave_before
from bot.sandbox.simulation import SIM

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def answer(value: Any, status: int = 200) -> web.Response:
    """Return a JSON response, ASCII-escaped like Meta's."""
    body = json.dumps(value).encode("ascii")
    return web.Response(body=body, status=status, content_type="application/json", charset="utf-8")


async def read_object(request: web.Request) -> dict[str, Any]:
    """Return the request's JSON object, empty for an empty body. Raises SandboxGraphError if it is no JSON object."""
    raw = await request.read()
    if not raw:
        return {}
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise SandboxGraphError(100, "The request body is not valid JSON") from error
    if not isinstance(value, dict):
        raise SandboxGraphError(100, "The request body must be a JSON object")
    return value


def authorize(request: web.Request, *, schemes: tuple[str, ...] = ("bearer",)) -> None:
    """Check the access token and ``appsecret_proof``. Raises SandboxGraphError if they are missing or wrong."""
    config = request.app[SIM].config
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    token = token.strip() or request.query.get("access_token", "")
    if scheme and scheme.lower() not in schemes:
        raise SandboxGraphError(190, "Invalid OAuth access token - Cannot parse access token")
    if not token:
        raise SandboxGraphError(190, "An access token is required to request this resource.")
    if not hmac.compare_digest(token.encode(), config.token.encode()):
        raise SandboxGraphError(190, "Invalid OAuth access token - Cannot parse access token")
    proof = request.query.get("appsecret_proof")
    if proof is not None or config.require_proof:
        expected = hmac.new(config.app_secret.encode(), token.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest((proof or "").encode(), expected.encode()):
            raise SandboxGraphError(100, "Invalid appsecret_proof provided in the API argument")


def fields_of(request: web.Request) -> list[str] | None:
    """Return the names in the query's ``fields``, None if there are none."""
    names = [name.strip() for name in request.query.get("fields", "").split(",")]
    return [name for name in names if name] or None


async def _with_faults(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Apply faults of the scope ``graph`` to calls other than sends, which apply their own."""
    if not request.path.startswith("/_") and not request.path.endswith("messages"):
        quirk = request.app[SIM].faults.injected("graph")
        fault_response = await misbehave_before(request, quirk) if quirk else None
        if fault_response is not None:
            return fault_response
    return await handler(request)


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Convert errors to answers, and refuse requests for other hosts or from other origins."""
    host = request.host.rpartition(":")[0] or request.host
    if host not in LOOPBACK and request.host not in LOOPBACK:
        return answer({"error": "the sandbox answers on loopback only"}, 403)
    origin = request.headers.get("Origin")
    if origin is not None and origin.partition("://")[2] != request.host:
        return answer({"error": "requests of other pages are refused"}, 403)
    try:
        response = await _with_faults(request, handler)
    except SandboxGraphError as error:
        response = answer(error.body(), error.http)
    except web.HTTPException as error:
        if error.status < 400 or request.path.startswith("/_"):
            raise
        response = answer(
            SandboxGraphError(2500, f"Unknown path components: {request.path}", http=error.status).body(), error.status
        )
    except ConfigError as error:
        response = answer({"error": str(error)}, 400)
    pause = request.app[SIM].config.latency_seconds
    if pause and not request.path.startswith("/_sandbox"):
        await asyncio.sleep(pause)
    return response
