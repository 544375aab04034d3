"""The panel is not there, ends in the middle, or starts again; the front server says so and goes on."""

import asyncio
import contextlib
import json
import os
from typing import Any

from aiohttp import web
from redis import Redis

from models.config import Settings
from tests.support.front_rig import Front, event_request, front_settings, get, read_all, running_front, status_of


def readiness(front: Front) -> tuple[int, dict[str, Any]]:
    answer = front.ask(get("/readyz"))
    return status_of(answer), json.loads(answer.partition(b"\r\n\r\n")[2])


def test_without_a_panel_one_page_says_so_and_when_to_try_again(settings_of_front: Settings, redis: Redis) -> None:
    with running_front(settings_of_front) as front:
        page = front.ask(get("/admin/", "Accept: text/html"))
        assert status_of(page) == 503
        assert b"Retry-After: 2\r\n" in page
        assert b"<h1>Service Unavailable</h1>" in page
        assert b"<" not in front.ask(get("/admin/")).partition(b"\r\n\r\n")[2]
        assert status_of(front.ask(event_request())) == 200
        assert status_of(front.ask(get("/healthz"))) == 200
        assert readiness(front) == (
            503,
            {"checks": {"webhooks": "ok", "panel": "does not answer"}, "status": "not ready"},
        )
        assert status_of(front.ask(get("/metrics"))) == 503
    assert redis.xlen("hark:events") == 1


def test_a_panel_that_ends_in_the_middle_is_a_502_or_a_cut_connection(settings_of_front: Settings) -> None:
    async def panel(request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        if request.raw_path == "/before":
            request.transport.abort()
            return web.Response()
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"half")
        request.transport.abort()
        return response

    with running_front(settings_of_front, panel=panel) as front:
        assert status_of(front.ask(get("/before"))) == 502
        answer = front.ask(get("/in-the-middle"))
        assert (status_of(answer), len(answer.partition(b"\r\n\r\n")[2]) < 100) == (200, True)
        assert status_of(front.ask(event_request())) == 200


def test_a_panel_that_refuses_by_the_headers_is_heard_though_the_body_is_large(settings_of_front: Settings) -> None:
    async def panel(request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        assert request.headers["Expect"] == "100-continue"
        response = web.Response(status=413, text="too large")
        response.force_close()
        return response

    body = os.urandom(3_000_000)
    head = f"POST /admin/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with running_front(settings_of_front, panel=panel) as front:
        for _ in range(5):
            answer = front.ask(head + body)
            assert (status_of(answer), answer.endswith(b"too large")) == (413, True)


def test_readiness_is_the_panels_with_our_own(settings_of_front: Settings) -> None:
    checks = {"database": "ok", "redis": "ok"}

    async def panel(request: web.BaseRequest) -> web.StreamResponse:
        assert request.raw_path == "/readyz"
        return web.json_response({"status": "ok", "checks": checks, "held": "database_restored"})

    with running_front(settings_of_front, panel=panel) as front:
        whole = {"webhooks": "ok", "panel": "ok", "database": "ok", "redis": "ok"}
        assert readiness(front) == (200, {"status": "ok", "checks": whole, "held": "database_restored"})
        checks["database"] = "not reachable (OperationalError)"
        assert readiness(front)[0] == 503


def test_those_who_ask_at_once_share_one_check(settings_of_front: Settings) -> None:
    asked: list[str] = []

    async def panel(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.raw_path)
        await asyncio.sleep(0.5)
        return web.json_response({"status": "ok", "checks": {}})

    with running_front(settings_of_front, panel=panel) as front, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(front.connect()) for _ in range(20)]
        for client in clients:
            client.sendall(get("/readyz"))
        assert [status_of(read_all(client)) for client in clients] == [200] * 20
    assert len(asked) < 20


def test_readiness_sees_a_redis_that_webhooks_cannot_reach(settings_of_front: Settings) -> None:
    async def panel(_request: web.BaseRequest) -> web.StreamResponse:
        return web.json_response({"status": "ok", "checks": {}})

    with running_front(front_settings(settings_of_front.var_dir, "redis://127.0.0.1:1/0"), panel=panel) as front:
        status, said = readiness(front)
        assert (status, said["status"]) == (503, "not ready")
        assert said["checks"]["webhooks"].startswith("Redis is not reachable (")


def test_the_metrics_are_the_panels_and_our_own(settings_of_front: Settings) -> None:
    async def panel(request: web.BaseRequest) -> web.StreamResponse:
        may = request.headers.get("Authorization") == "Bearer t"
        return web.Response(status=200 if may else 401, text="hark_up 1.0\n" if may else "no")

    with running_front(settings_of_front, panel=panel) as front:
        assert [front.post_event(), front.post_event(secret="another")] == [200, 401]
        body = front.ask(get("/metrics", "Authorization: Bearer t")).partition(b"\r\n\r\n")[2].decode()
        assert "hark_up 1.0\n" in body
        for line in (
            'hark_webhooks_total{status="200"} 1.0',
            'hark_webhooks_total{status="401"} 1.0',
            "hark_front_connections 1.0",
        ):
            assert f"{line}\n" in body
        assert b"hark_webhooks" not in front.ask(get("/metrics"))
