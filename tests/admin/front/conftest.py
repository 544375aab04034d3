"""A front server on a Redis of its own, with a panel that answers what it was asked."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web
from redis import Redis

from models.config import Settings
from tests.support.front_rig import Front, front_settings, running_front


async def echo(request: web.BaseRequest) -> web.StreamResponse:
    """What the panel received."""
    if request.headers.get("Expect"):
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    size = 0
    while chunk := await request.content.readany():
        size += len(chunk)
    headers = [(name, value) for name, value in request.headers.items()]
    said = {"method": request.method, "target": request.raw_path, "headers": headers}
    return web.json_response(said | {"size": size}, headers={"X-From": "panel"})


@pytest.fixture
def settings_of_front(directory: Path, redis: Redis, redis_url: str) -> Settings:
    return front_settings(directory, redis_url)


@pytest.fixture
def front(settings_of_front: Settings) -> Iterator[Front]:
    with running_front(settings_of_front, panel=echo) as running:
        yield running
