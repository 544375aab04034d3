"""Starts lanes: the job that serves one number until nothing is due or a minute is over.

One process hosts several lanes. A lane mostly waits, for Meta and for its pace, so a number that still lacks a lane after two
checks gets one in this process, and a slow campaign does not make other numbers wait.
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
from jobs.restore.watch import open_guarded
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
"""Lanes of one process: each uses up to two threads, each with a connection to the database."""


def serve_number(number_id: int) -> None:
    """Serve a number, and others that lack a lane (a job). It does nothing if the number already has enough lanes."""
    rt = runtime()
    SERVE_NUMBER.started(rt.redis, number_id)
    try:
        is_lacking = number_id in lacking_lanes(rt, utcnow())
    except DBAPIError as error:
        log.warning("number %d: the database is away (%s)", number_id, type(error).__name__)
        return
    if is_lacking and not SHUTDOWN.is_set():
        _run(_host(rt, number_id))


def serve(rt: Runtime, number_id: int) -> int:
    """Run one lane for a number; return how many requests it made."""
    number = _load(rt, number_id)
    return 0 if number is None else _run(_run_lane(rt, number))


def _run(work: Coroutine[Any, Any, int]) -> int:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def _load(rt: Runtime, number_id: int) -> ServedNumber | None:
    """Load the number; None if it may not or cannot be served now."""
    try:
        return load_number(rt, number_id)
    except WrongKeyError as error:
        log.error("number %d: %s", number_id, error)  # noqa: TRY400 - one line, no traceback
    except DBAPIError as error:
        log.warning("number %d: the database is away (%s)", number_id, type(error).__name__)
    return None


async def _host(rt: Runtime, number_id: int) -> int:
    """Run a lane for this number and for each number that lacks one in two checks in a row; the requests they made."""
    lanes = {asyncio.create_task(_host_lane(rt, number_id))}
    until = time.monotonic() + LIFE_SECONDS
    sent, lacking_before = 0, set[int]()
    while lanes:
        done, lanes = await asyncio.wait(lanes, timeout=LOOK_SECONDS)
        sent += sum(task.result() for task in done)
        if not lanes or SHUTDOWN.is_set() or time.monotonic() > until or len(lanes) >= MAX_HOSTED:
            continue
        lacking = await asyncio.to_thread(_lacking_lanes, rt)
        for other_id in sorted(lacking & lacking_before)[: MAX_HOSTED - len(lanes)]:
            lanes.add(asyncio.create_task(_host_lane(rt, other_id)))
        lacking_before = lacking
    return sent


async def _host_lane(rt: Runtime, number_id: int) -> int:
    """Run a lane; its failure is logged and does not stop the others."""
    number = await asyncio.to_thread(_load, rt, number_id)
    if number is None:
        return 0
    try:
        return await _run_lane(rt, number)
    except Exception as error:  # noqa: BLE001 - the sweep settles the rows it held
        log.error("number %d: its lane failed: %s", number_id, described(error))  # noqa: TRY400 - no content in logs
        return 0


def _lacking_lanes(rt: Runtime) -> set[int]:
    try:
        return lacking_lanes(rt, utcnow())
    except DBAPIError:
        return set()


async def _run_lane(rt: Runtime, number: ServedNumber) -> int:
    client = GraphClient(rt.settings.graph_api_url, rt.settings.graph_api_version)
    begun = time.monotonic()
    lane_id = await asyncio.to_thread(_open, rt, number.id)
    if lane_id is None:
        await client.close()
        return 0
    lane = SenderLane(rt, number, Lease(rt, lane_id, begun), client)
    try:
        await lane.run()
    finally:
        await client.close()
    if lane.sent:
        log.info("lane %d of number %d: %d requests", lane_id, number.id, lane.sent)
    return lane.sent


def _open(rt: Runtime, number_id: int) -> int | None:
    """The lane's id; None if the database was put back from a copy, which holds every campaign."""
    return open_guarded(rt, lambda session: open_lane(session, number_id, socket.gethostname(), os.getpid()))
