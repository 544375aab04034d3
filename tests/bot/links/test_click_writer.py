"""Requests go to the stream without anybody waiting; what cannot be kept is counted."""

import asyncio
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from bot.links.click_writer import MAX_WAITING, ClickWriter, make_click_writer
from bot.links.requests import BOUND, LinkRequest, click_stream, read_entry
from models.config import Settings
from models.tables.click import ClickKind, DeviceClass
from tests.support.factories.common import NOW

NOWHERE = "unix:///tmp/no-such-redis.sock"


def written(redis_url: str, count: int, bound: int = BOUND) -> ClickWriter:
    async def run() -> ClickWriter:
        writer = make_click_writer(Settings("sqlite://", redis_url, Path()), bound)
        for number in range(count):
            writer.write(LinkRequest(1, number + 1, ClickKind.PERSON, DeviceClass.PHONE, NOW))
        await writer.close()
        return writer

    return asyncio.run(run())


def test_all_are_kept_in_order_and_share_round_trips(redis: Redis, redis_url: str) -> None:
    before = redis.info("stats")["total_reads_processed"]
    assert written(redis_url, 1_200).lost == {}
    assert redis.info("stats")["total_reads_processed"] - before < 100, "a round trip is shared"
    stream = click_stream(redis)
    stream.make_group()
    kept = [read_entry(entry.raw) for entry in stream.read("c", 2_000)]
    assert [request.recipient_id for request in kept] == list(range(1, 1_201))
    assert kept[0] == LinkRequest(1, 1, ClickKind.PERSON, DeviceClass.PHONE, NOW)


def test_at_the_bound_and_while_redis_is_away_the_loss_is_counted(redis: Redis, redis_url: str) -> None:
    assert written(redis_url, 10, bound=4).lost == {"full": 6}
    assert redis.xlen("hark:clicks") == 4
    assert written(NOWHERE, 7).lost == {"redis": 7}
    assert written(NOWHERE, MAX_WAITING + 3).lost["slow"] == 3


@given(st.integers(1, 2**63 - 1), st.integers(1, 2**63 - 1), st.sampled_from(ClickKind), st.sampled_from(DeviceClass))
def test_an_entry_is_read_as_it_was_written(link: int, recipient: int, kind: ClickKind, device: DeviceClass) -> None:
    request = LinkRequest(link, recipient, kind, device, NOW)
    assert read_entry(request.entry()) == request
