"""Reads and writes the cursors of lists: `limit`, `after`, and the link to the next page."""

import base64
import binascii
from urllib.parse import urlencode

from aiohttp import web

from bot.sandbox.errors import SandboxGraphError


def limit_of(request: web.Request, default: int, most: int) -> int:
    """Return the query's ``limit``, at most `most`. Raises SandboxGraphError if it is no number above 0."""
    value = request.query.get("limit", str(default))
    if not (value.isascii() and value.isdigit()) or int(value) < 1:
        raise SandboxGraphError(100, "Param limit must be a number above 0")
    return min(int(value), most)


def place_of(request: web.Request) -> int:
    """Return the place that the query's ``after`` names, 0 without one. Raises SandboxGraphError if it is no cursor."""
    return read_cursor(request.query["after"]) if "after" in request.query else 0


def read_cursor(cursor: str) -> int:
    """Return the place that a cursor names. Raises SandboxGraphError if it is none."""
    try:
        return max(0, int(base64.urlsafe_b64decode(cursor.encode()).decode().removeprefix("sandbox:")))
    except (ValueError, binascii.Error) as error:
        raise SandboxGraphError(100, "Param after is not a cursor of this list") from error


def cursor_of(place: int) -> str:
    """Return the cursor that names a place."""
    return base64.urlsafe_b64encode(f"sandbox:{place}".encode()).decode()


def next_link(request: web.Request, place: int) -> str:
    """Return the link to the page that begins at a place."""
    query = {name: value for name, value in request.query.items() if name != "after"} | {"after": cursor_of(place)}
    return f"{request.scheme}://{request.host}{request.path}?{urlencode(query)}"
