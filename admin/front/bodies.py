"""Reads the bodies of requests on the event loop, under a deadline and a bound, before anything else is asked to work on them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web
from aiohttp.http import HttpVersion11
from aiohttp.web_protocol import RequestPayloadError

from admin.front.limits import FrontLimits
from admin.front.spool import NoRoomError, Spool


class BodyError(Exception):
    """The body was not taken; `status` is the answer's."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class HeldBytes:
    """Counts what large webhooks hold of the memory while they are read and stored."""

    def __init__(self, most: int) -> None:
        self._left = most

    @contextmanager
    def share(self) -> Iterator["Share"]:
        """Give a request its share, and take it back at the end."""
        share = Share()
        try:
            yield share
        finally:
            self._left += share.size

    def grow(self, share: "Share", size: int) -> bool:
        """Whether there is room for `size` more; then the share has it."""
        if size > self._left:
            return False
        self._left -= size
        share.size += size
        return True


class Share:
    """What one request holds, in bytes."""

    size = 0


async def read_webhook(
    request: web.BaseRequest, most: int, held: HeldBytes, share: Share, limits: FrontLimits
) -> bytes:
    """Return the body of a webhook.

    Raises BodyError with 413 if it is larger than `most`, 408 if it takes too long, 503 if there is no room for it, and 400 if it
    is malformed.
    """
    content = request.content
    if content.is_eof():  # it came with the headers, as nearly all do
        return _checked(content.read_nowait(-1), most)
    await _continue(request)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(limits.webhook_seconds):
            while chunk := await content.readany():
                size += len(chunk)
                if size > most:
                    raise BodyError(413)
                if size > limits.small_body and not held.grow(share, len(chunk)):
                    raise BodyError(503)
                chunks.append(chunk)
    except TimeoutError:
        raise BodyError(408) from None
    except RequestPayloadError:
        raise BodyError(400) from None
    return b"".join(chunks)


async def spool_body(request: web.BaseRequest, spool: Spool, limits: FrontLimits) -> None:
    """Write the body of a request for the panel to `spool`; raises BodyError as `read_webhook` does."""
    content = request.content
    if not content.is_eof():
        await _continue(request)
    started = asyncio.get_running_loop().time() + limits.body_seconds
    try:
        while True:
            # Who sends little of a long body is not given the time of the whole.
            async with asyncio.timeout_at(started + (spool.size + limits.small_body) / limits.slowest_rate):
                chunk = await content.readany()
            if not chunk:
                break
            if spool.size + len(chunk) > limits.body_bytes:
                raise BodyError(413)
            await spool.write(chunk)
    except TimeoutError:
        raise BodyError(408) from None
    except NoRoomError:
        raise BodyError(503) from None
    except RequestPayloadError:
        raise BodyError(400) from None
    spool.end()


def _checked(raw: bytes, most: int) -> bytes:
    if len(raw) > most:
        raise BodyError(413)
    return raw


async def _continue(request: web.BaseRequest) -> None:
    """Tell a client that waits for it that its body is wanted."""
    if request.version == HttpVersion11 and request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
