"""Listens for everything that comes to an installation, answers webhooks, links and health itself, passes the rest to the panel."""

import asyncio
import contextlib
import logging
from typing import Any
from urllib.parse import unquote

from aiohttp import web
from redis.exceptions import RedisError

from admin.front.connections import Connection, ConnectionServer, ConnectionTable, Stage
from admin.front.figures import FrontFigures
from admin.front.limits import FrontLimits
from admin.front.links import answer_link
from admin.front.pages import SERVER, error_page
from admin.front.panel import PanelProxy
from admin.front.panel_link import panel_socket, peer_token
from admin.front.webhooks import WebhookServer
from bot.links.redirect import PATH as LINKS
from bot.links.redirect import make_link_server
from bot.webhooks.event_writer import make_event_writer
from bot.webhooks.shopify import make_shop_endpoint
from bot.webhooks.whatsapp import make_endpoint
from jobs.core.logs import described
from models.config import Settings

OWN_PATHS = ("/webhooks/", LINKS)
"""Never passed to the panel."""
_BACKLOG = 1024
_SWEEP_SECONDS = 0.5

log = logging.getLogger(__name__)


class FrontServer:
    """Made inside of the event loop; `listen`, and `stop` at the end."""

    def __init__(self, settings: Settings, limits: FrontLimits) -> None:
        self._limits = limits
        self._writer = make_event_writer(settings)
        self._webhooks = WebhookServer(make_endpoint(settings), [make_shop_endpoint(settings)], self._writer, limits)
        self._links = make_link_server(settings)
        self.panel = PanelProxy(
            panel_socket(settings.var_dir),
            peer_token(settings.secret_key),
            settings.var_dir,
            settings.trusted_proxies,
            limits,
        )
        self.table = ConnectionTable(limits, settings.trusted_proxies, _report)
        self._with_panel = ConnectionServer(self._answer_everything, self.table, limits)
        self._own_only = ConnectionServer(self._answer_own, self.table, limits)
        self._listeners: list[asyncio.Server] = []
        self._checking: asyncio.Task[dict[str, Any]] | None = None
        self._sweep = asyncio.create_task(self._close_late())

    async def listen(self, host: str, port: int, *, passes_to_panel: bool = True) -> None:
        """Take connections on a port. Raises OSError if it cannot be bound."""
        server = self._with_panel if passes_to_panel else self._own_only
        loop = asyncio.get_running_loop()
        self._listeners.append(await loop.create_server(server, host, port, backlog=_BACKLOG))

    async def stop(self) -> None:
        """Take no more connections, and finish what is under way."""
        for listener in self._listeners:
            listener.close()
        servers = (self._with_panel, self._own_only)
        for server in servers:
            server.pre_shutdown()
        await asyncio.gather(*(server.shutdown(self._limits.stop_seconds) for server in servers))
        self._sweep.cancel()
        await self.panel.close()
        await self._links.close()
        await self._writer.close()

    async def _answer_everything(self, request: web.BaseRequest) -> web.StreamResponse:
        return await self._answer(request, passes_to_panel=True)

    async def _answer_own(self, request: web.BaseRequest) -> web.StreamResponse:
        return await self._answer(request, passes_to_panel=False)

    async def _answer(self, request: web.BaseRequest, *, passes_to_panel: bool) -> web.StreamResponse:
        connection = request.protocol
        if not isinstance(connection, Connection):
            raise TypeError("a connection of another server")
        try:
            target, _, query = request.raw_path.partition("?")
            if not target.startswith("/") or not request.raw_path.isascii() or "#" in request.raw_path:
                return error_page(request, 400)
            path = unquote(target) if "%" in target else target
            if path.startswith("/webhooks/"):
                return await self._webhooks.answer(request, path, query, connection)
            if path.startswith(LINKS):
                return await answer_link(self._links, request, path, connection)
            if path == "/healthz" and request.method in {"GET", "HEAD"}:
                return web.json_response({"status": "ok"}, headers=SERVER)
            if path == "/readyz" and request.method in {"GET", "HEAD"}:
                connection.enter(Stage.WORK)
                return await self._readiness()
            if path.startswith(OWN_PATHS) or not passes_to_panel:
                return error_page(request, 404)
            if path == "/metrics" and request.method in {"GET", "HEAD"}:
                connection.enter(Stage.WORK)
                return await self.panel.metrics(request, query, connection.peer, self._figures())
            return await self.panel.pass_on(request, target, query, connection)
        finally:
            connection.enter(Stage.IDLE)

    async def _readiness(self) -> web.Response:
        """One check at a time, whose result everybody gets who asks meanwhile: strangers may ask as well."""
        if self._checking is None or self._checking.done():
            self._checking = asyncio.create_task(self._check())
        said = await asyncio.shield(self._checking)
        return web.json_response(said, status=200 if said["status"] == "ok" else 503, headers=SERVER)

    async def _check(self) -> dict[str, Any]:
        said, redis = await asyncio.gather(self.panel.readiness(), self._redis_state())
        checks: dict[str, str] = {"webhooks": redis} | said["checks"]
        is_ready = all(result == "ok" for result in checks.values())
        whole: dict[str, Any] = said | {"status": "ok" if is_ready else "not ready", "checks": checks}
        return whole

    async def _redis_state(self) -> str:
        try:
            await self._writer.ping()
        except (RedisError, OSError, TimeoutError) as error:
            return f"Redis is not reachable ({type(error).__name__})"
        return "ok"

    def _figures(self) -> str:
        table, panel = self.table, self.panel
        return FrontFigures(
            len(table),
            panel.space.used,
            self._webhooks.answered,
            table.turned_away,
            panel.failures,
            self._links.answered,
            self._links.lost,
        ).text()

    async def _close_late(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            while True:
                await asyncio.sleep(_SWEEP_SECONDS)
                self.table.close_late()


def _report(error: BaseException | None) -> None:
    log.error("front: a request failed: %s", described(error) if error else "no error")
