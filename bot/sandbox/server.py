"""Runs the HTTP server of the sandbox, in the current event loop or in a thread of its own."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from aiohttp import web

from bot.sandbox import (
    account_control,
    analytics,
    catalog_routes,
    control,
    drawing,
    library,
    listing,
    nodes,
    page,
    responders,
)
from bot.sandbox.config import Config
from bot.sandbox.loop import new_event_loop
from bot.sandbox.media import MB
from bot.sandbox.sends import post_message
from bot.sandbox.simulation import SIM, Simulation
from bot.sandbox.store import SandboxInbound, Store
from bot.sandbox.wire import guard

Result = TypeVar("Result")
LARGEST = 101 * MB


def make_app(sim: Simulation) -> web.Application:
    """Build the aiohttp application with all routes."""
    app = web.Application(middlewares=[guard], client_max_size=LARGEST)
    app[SIM] = sim
    for prefix in (r"/{version:v\d+\.\d+}", ""):
        _add_graph(app.router, prefix + r"/{node:[0-9]+}")
        app.router.add_get(prefix + "/message_template_library", library.search)
        app.router.add_get(prefix + r"/{node:upload:[\w-]+}", nodes.get_node)
        app.router.add_post(prefix + r"/{node:upload:[\w-]+}", nodes.post_node)
    app.router.add_get("/_media/{node}", nodes.download_media)
    _add_control(app.router)
    app.router.add_get("/", page.show)
    app.router.add_get("/_sandbox/page", page.fragment)
    app.router.add_get(drawing.STYLE_PATH, drawing.serve_style)
    app.router.add_get(drawing.MEDIA_PATH + "/{node:[0-9]+}", drawing.serve_picture)
    return app


def _add_graph(router: web.UrlDispatcher, node: str) -> None:
    router.add_post(node + "/messages", post_message)
    router.add_post(node + "/marketing_messages", post_message)
    router.add_get(node + "/message_templates", listing.list_templates)
    router.add_post(node + "/message_templates", listing.create_template)
    router.add_delete(node + "/message_templates", listing.delete_templates)
    router.add_get(node + "/product_catalogs", catalog_routes.list_catalogs)
    router.add_post(node + "/product_catalogs", catalog_routes.change_link)
    router.add_delete(node + "/product_catalogs", catalog_routes.change_link)
    router.add_get(node + "/products", catalog_routes.list_products)
    router.add_get(node + "/template_analytics", analytics.template_analytics)
    router.add_get(node + "/phone_numbers", nodes.list_numbers)
    router.add_get(node + "/subscribed_apps", nodes.list_subscriptions)
    router.add_post(node + "/subscribed_apps", nodes.subscribe)
    router.add_delete(node + "/subscribed_apps", nodes.unsubscribe)
    router.add_post(node + "/media", nodes.upload_media)
    router.add_post(node + "/uploads", nodes.begin_upload)
    router.add_post(node + "/unpause", listing.unpause_template)
    router.add_get(node, nodes.get_node)
    router.add_post(node, nodes.post_node)
    router.add_delete(node, nodes.delete_node)


def _add_control(router: web.UrlDispatcher) -> None:
    router.add_get("/_sandbox/stats", control.get_stats)
    router.add_get("/_sandbox/messages", control.get_messages)
    router.add_get("/_sandbox/inbound", control.get_inbound)
    router.add_post("/_sandbox/inbound", control.post_inbound)
    router.add_post("/_sandbox/user-id", control.post_user_id)
    router.add_post("/_sandbox/echo", responders.post_echo)
    router.add_post("/_sandbox/responder", responders.post_responder)
    router.add_post("/_sandbox/reset", control.post_reset)
    router.add_get("/_sandbox/config", control.get_config)
    router.add_post("/_sandbox/config", control.post_config)
    router.add_post("/_sandbox/template-event", control.post_template_event)
    router.add_post("/_sandbox/account", account_control.post_account)
    router.add_post("/_sandbox/catalog", catalog_routes.post_catalog)
    router.add_post("/_sandbox/product", catalog_routes.post_product)
    router.add_post("/_sandbox/number", control.post_number)
    router.add_post("/_sandbox/restriction", control.post_restriction)
    router.add_post("/_sandbox/webhook", control.post_webhook)
    router.add_post("/_sandbox/handshake", control.post_handshake)
    router.add_get("/_sandbox/faults", control.get_faults)
    router.add_post("/_sandbox/faults", control.post_faults)
    router.add_delete("/_sandbox/faults", control.delete_faults)
    router.add_post("/_sandbox/held", control.post_held)


async def start(sim: Simulation) -> tuple[web.AppRunner, str]:
    """Listen on 127.0.0.1; returns the runner, for ``finish``, and the URL. Raises OSError if the port is taken."""
    log = logging.getLogger("sandbox.access") if sim.config.log else None
    runner = web.AppRunner(make_app(sim), access_log=log, shutdown_timeout=0.5)
    await runner.setup()
    await sim.outbox.open()
    site = web.TCPSite(runner, "127.0.0.1", sim.config.port, backlog=1024)
    try:
        await site.start()
    except OSError:
        await finish(sim, runner)
        raise
    port = runner.addresses[0][1]
    return runner, f"http://127.0.0.1:{port}"


async def finish(sim: Simulation, runner: web.AppRunner) -> None:
    """Cancel everything scheduled, and close the server and the webhook client."""
    sim.timetable.clear()
    await runner.cleanup()
    await sim.outbox.close()
    await sim.browser.close()


@dataclass
class Handle:
    """A sandbox that runs in a thread. ``url`` has no trailing slash."""

    url: str
    sim: Simulation
    loop: asyncio.AbstractEventLoop
    thread: threading.Thread
    runner: web.AppRunner

    @property
    def store(self) -> Store:
        """The store; only read it from other threads, and change it through ``call``."""
        return self.sim.store

    def call(self, action: Callable[..., Result], *args: Any, **named: Any) -> Result:
        """Run a plain function in the sandbox's thread and return its result."""

        async def run() -> Result:
            return action(*args, **named)

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(timeout=30)

    def configure(self, **changes: Any) -> None:
        """Change settings, as ``POST /_sandbox/config``."""
        self.call(self.sim.change, changes)

    def say(self, phone: str, text: str | None = None, **more: Any) -> SandboxInbound:
        """Write as a person, as ``POST /_sandbox/inbound``."""
        body = {"phone": phone, **more} | ({} if text is None else {"text": text})
        return self.call(control.speak, self.sim, body)

    def stats(self, *, with_callbacks: bool = False) -> dict[str, Any]:
        """Return the counts, as ``GET /_sandbox/stats``."""
        return self.call(self.sim.stats, with_callbacks=with_callbacks)

    def reset(self) -> None:
        """Reset everything but the settings."""
        self.call(self.sim.reset)

    def wait_at_rest(self, timeout_seconds: float = 60.0) -> None:
        """Wait until nothing is scheduled and every webhook was answered with 200. Raises TimeoutError if that takes too long."""
        end = time.monotonic() + timeout_seconds
        while any(pending := self.call(lambda: self.sim.pending).values()):
            if time.monotonic() > end:
                raise TimeoutError(f"the sandbox is not at rest after {timeout_seconds} s: {pending}")
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop the server and the thread. Idempotent."""
        if not self.thread.is_alive():
            return
        asyncio.run_coroutine_threadsafe(finish(self.sim, self.runner), self.loop).result(timeout=60)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(timeout=10)


def start_in_thread(config: Config | None = None) -> Handle:
    """Start a sandbox on a free port in a thread with its own event loop. Raises any error of the start."""
    loop = new_event_loop()

    def run() -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    thread = threading.Thread(target=run, name="sandbox", daemon=True)
    sim = Simulation(config or Config())
    thread.start()
    try:
        runner, url = asyncio.run_coroutine_threadsafe(start(sim), loop).result(timeout=60)
    except BaseException:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=5)
        raise
    return Handle(url, sim, loop, thread, runner)
