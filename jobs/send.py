"""The wake-up that makes a lane: it serves one number until nothing is due or a minute is over."""

import asyncio
import logging
import os
import socket
import time

import uvloop
from sqlalchemy.exc import DBAPIError

from bot.graph import GraphClient
from jobs.campaign_feed import ServedNumber, load_number
from jobs.lane import Lane
from jobs.lease import Lease
from jobs.queues import woken
from jobs.runtime import Runtime, runtime
from jobs.stopping import STOPPING
from models.lane_lease import open_lane
from models.secret import WrongKey

log = logging.getLogger("hark.lane")


def serve_number(number_id: int) -> None:
    """RQ's entry."""
    rt = runtime()
    woken(rt.redis, f"send:{number_id}")
    if not STOPPING.is_set():
        serve(rt, number_id)


def serve(rt: Runtime, number_id: int) -> int:
    """Run one lane for a number; how many requests it made."""
    try:
        number = load_number(rt, number_id)
    except WrongKey as error:
        log.error("number %d: %s", number_id, error)  # noqa: TRY400 - one line, no traceback
        return 0
    except DBAPIError as error:
        log.warning("number %d: the database is away (%s)", number_id, type(error).__name__)
        return 0
    if number is None:
        return 0
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run_lane(rt, number))


async def _run_lane(rt: Runtime, number: ServedNumber) -> int:
    client = GraphClient(rt.settings.graph_api_url, rt.settings.graph_api_version)
    begun = time.monotonic()
    lane_id = await asyncio.to_thread(_open, rt, number.id)
    lane = Lane(rt, number, Lease(rt, lane_id, begun), client)
    try:
        await lane.run()
    finally:
        await client.close()
    if lane.sent:
        log.info("lane %d of number %d: %d requests", lane_id, number.id, lane.sent)
    return lane.sent


def _open(rt: Runtime, number_id: int) -> int:
    with rt.database.write() as session:
        return open_lane(session, number_id, socket.gethostname(), os.getpid())
