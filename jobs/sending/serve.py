"""The wake-up that makes a lane: it serves one number until nothing is due or a minute is over.

One process hosts several lanes. A lane waits most of the time, for Meta and for its pace, so a number that no other process
takes within two looks gets a lane here, and a slow campaign keeps no other number waiting.
"""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Coroutine
from typing import Any

import uvloop
from sqlalchemy.exc import DBAPIError

from bot.meta.client import GraphClient
from jobs.core.logs import described
from jobs.core.runtime import Runtime, runtime
from jobs.core.shutdown import SHUTDOWN
from jobs.core.wake_ups import SERVE_NUMBER
from jobs.sending.campaign_feed import ServedNumber, load_number
from jobs.sending.lane import LIFE_SECONDS, SenderLane
from jobs.sending.lease import Lease
from jobs.sending.wake import lacking_lanes
from models.clock import utcnow
from models.crypto import WrongKeyError
from models.sending.lease import open_lane

log = logging.getLogger("hark.lane")

LOOK_SECONDS = 1.0
MAX_HOSTED = 6
"""Lanes of one process: each takes two threads at times, and a connection to the database with each."""


def serve_number(number_id: int) -> None:
    """RQ's entry. A wake-up that comes late, when the number has its lanes, does nothing."""
    rt = runtime()
    SERVE_NUMBER.started(rt.redis, number_id)
    try:
        is_wanted = number_id in lacking_lanes(rt, utcnow())
    except DBAPIError as error:
        log.warning("number %d: the database is away (%s)", number_id, type(error).__name__)
        return
    if is_wanted and not SHUTDOWN.is_set():
        _run(_host(rt, number_id))


def serve(rt: Runtime, number_id: int) -> int:
    """Run one lane for a number; how many requests it made."""
    number = _load(rt, number_id)
    return 0 if number is None else _run(_run_lane(rt, number))


def _run(work: Coroutine[Any, Any, int]) -> int:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def _load(rt: Runtime, number_id: int) -> ServedNumber | None:
    """None where it may not or cannot be served now."""
    try:
        return load_number(rt, number_id)
    except WrongKeyError as error:
        log.error("number %d: %s", number_id, error)  # noqa: TRY400 - one line, no traceback
    except DBAPIError as error:
        log.warning("number %d: the database is away (%s)", number_id, type(error).__name__)
    return None


async def _host(rt: Runtime, number_id: int) -> int:
    """A lane for this number, and one for each number that still lacks one a second look later; until all have ended."""
    lanes = {asyncio.create_task(_host_lane(rt, number_id))}
    until = time.monotonic() + LIFE_SECONDS
    sent, lacked = 0, set[int]()
    while lanes:
        done, lanes = await asyncio.wait(lanes, timeout=LOOK_SECONDS)
        sent += sum(task.result() for task in done)
        if not lanes or SHUTDOWN.is_set() or time.monotonic() > until or len(lanes) >= MAX_HOSTED:
            continue
        lacking = await asyncio.to_thread(_lacking, rt)
        for other_id in sorted(lacking & lacked)[: MAX_HOSTED - len(lanes)]:
            lanes.add(asyncio.create_task(_host_lane(rt, other_id)))
        lacked = lacking
    return sent


async def _host_lane(rt: Runtime, number_id: int) -> int:
    """One lane's trouble is not the others'."""
    number = await asyncio.to_thread(_load, rt, number_id)
    if number is None:
        return 0
    try:
        return await _run_lane(rt, number)
    except Exception as error:  # noqa: BLE001 - what it held, the sweep settles
        log.error("number %d: its lane failed: %s", number_id, described(error))  # noqa: TRY400 - no content in logs
        return 0


def _lacking(rt: Runtime) -> set[int]:
    try:
        return lacking_lanes(rt, utcnow())
    except DBAPIError:
        return set()


async def _run_lane(rt: Runtime, number: ServedNumber) -> int:
    client = GraphClient(rt.settings.graph_api_url, rt.settings.graph_api_version)
    begun = time.monotonic()
    lane_id = await asyncio.to_thread(_open, rt, number.id)
    lane = SenderLane(rt, number, Lease(rt, lane_id, begun), client)
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
