"""Answers requests for tracked links: `GET /l/<code>` is a redirect to where the campaign said, never to what a request says.

The database is not asked at a click, but for a link that is not in memory; the stream of clicks is never waited for.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select

from bot.links.click_writer import ClickWriter, make_click_writer
from bot.links.destinations import Destination, Destinations, DestinationsUnavailableError, ReadLinks
from bot.links.requests import LinkRequest
from bot.links.user_agents import device_of, kind_of
from models.clicks.codes import read_code
from models.clock import utcnow
from models.config import Settings
from models.db.engine import Database
from models.tables.click import ClickKind
from models.tables.tracked_link import TrackedLink

PATH = "/l/"
METHODS = ("GET", "HEAD")
_PREFETCH = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


class LinkReply(NamedTuple):
    """The answer: 302 with a location, 404, 405, or 503 where it cannot be known now."""

    status: int
    location: str | None = None


UNKNOWN = LinkReply(404)
NO_SUCH_METHOD = LinkReply(405)
UNAVAILABLE = LinkReply(503)
ANSWERS = {302: "redirected", 404: "unknown", 405: "method", 503: "unavailable"}


class LinkServer:
    """Used from one event loop."""

    def __init__(self, destinations: Destinations, writer: ClickWriter, clock: Callable[[], datetime] = utcnow) -> None:
        self.answered: Counter[str] = Counter()
        """Answer (`ANSWERS`) → requests."""
        self._destinations = destinations
        self._writer = writer
        self._clock = clock

    @property
    def lost(self) -> Mapping[str, int]:
        """Reason → requests that were answered and not kept (`ClickWriter.lost`)."""
        return self._writer.lost

    async def answer(self, method: str, code: str, headers: Mapping[str, str]) -> LinkReply:
        """Answer a request; `code` is what stands behind PATH, `headers` finds them by any case of their names."""
        reply = await self._reply(method, code, headers)
        self.answered[ANSWERS[reply.status]] += 1
        return reply

    async def close(self) -> None:
        """Send what waits, and close the connections."""
        self._destinations.close()
        await self._writer.close()

    async def _reply(self, method: str, text: str, headers: Mapping[str, str]) -> LinkReply:
        if method not in METHODS:
            return NO_SUCH_METHOD
        code = read_code(text)
        if code is None:
            return UNKNOWN
        try:
            destination = await self._destinations.find(code.link_id)
        except DestinationsUnavailableError:
            return UNAVAILABLE
        if destination is None or not code.is_signed_by(destination.key):
            return UNKNOWN
        agent = headers.get("User-Agent") or ""
        kind = request_kind(method, agent, headers)
        self._writer.write(LinkRequest(code.link_id, code.recipient_id, kind, device_of(agent), self._clock()))
        return LinkReply(302, destination.url)


def request_kind(method: str, agent: str, headers: Mapping[str, str]) -> ClickKind:
    """Who asks. A browser that fetches in advance draws a preview; a HEAD request opens nothing."""
    kind = kind_of(agent)
    if kind is not ClickKind.PERSON:
        return kind
    if method == "HEAD":
        return ClickKind.HEAD
    purpose = " ".join(headers.get(name) or "" for name in _PREFETCH).lower()
    return ClickKind.PREVIEW if "pre" in purpose else kind


def make_link_server(settings: Settings) -> LinkServer:
    """Build the server from the settings, inside of the event loop. Does not connect yet."""
    return LinkServer(Destinations(link_reader(settings)), make_click_writer(settings))


def link_reader(settings: Settings) -> ReadLinks:
    """Return what reads links. The database is connected at the first read: a front server without links needs none."""
    opened: list[Database] = []

    def read(ids: Sequence[int]) -> Mapping[int, Destination]:
        if not opened:
            opened.append(Database(settings.database_url, pool_size=2))
        columns = TrackedLink.id, TrackedLink.url, TrackedLink.key
        with opened[0].read() as session:
            rows = session.execute(select(*columns).where(TrackedLink.id.in_(ids))).all()
        return {row.id: Destination(row.url, row.key) for row in rows}

    return read
