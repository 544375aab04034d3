"""The phones, as a page."""

from aiohttp import web


async def show(_: web.Request) -> web.StreamResponse:
    return web.Response(text="<!doctype html><title>Sandbox</title>", content_type="text/html")


async def fragment(_: web.Request) -> web.StreamResponse:
    return web.Response(text="", content_type="text/html")
