"""Serves tracked links on the front server's event loop."""

from aiohttp import web

from admin.front.connections import Connection, Stage
from admin.front.pages import SERVER, error_page
from bot.links.redirect import HEADERS, METHODS, PATH, LinkServer

_HEADERS = HEADERS | SERVER
_SENTENCES = {503: "The link cannot be looked up just now. Try again in a moment."}


async def answer_link(
    server: LinkServer, request: web.BaseRequest, path: str, connection: Connection
) -> web.StreamResponse:
    """Answer a path under PATH."""
    connection.enter(Stage.WORK)
    reply = await server.answer(request.method, path.removeprefix(PATH), request.headers)
    if reply.location is not None:
        return web.Response(status=reply.status, headers=_HEADERS | {"Location": reply.location})
    response = error_page(request, reply.status, _SENTENCES.get(reply.status))
    if reply.status == 405:
        response.headers["Allow"] = ", ".join(METHODS)
    return response
