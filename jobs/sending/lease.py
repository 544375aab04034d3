"""A lane's hold on its lease: beating it in the database, and knowing by its own clock how long it holds."""

import asyncio
import logging
import time
from datetime import datetime

from sqlalchemy.exc import DBAPIError

from jobs.core.runtime import Runtime
from models.sending.lease import end_lane, expire_lane, lost_lanes, renew_lease
from models.tables.lane import BEAT_SECONDS, LEASE_SECONDS

log = logging.getLogger("hark.lane")


class Lease:
    """Begun when the lane's row was written. `holds()` is asked before each request and costs nothing.

    The deadline counts from before the statement that renewed it, on the monotonic clock, which goes on while a process is
    stopped: one that wakes up after its lease begins nothing.
    """

    def __init__(self, rt: Runtime, lane_id: int, begun: float) -> None:
        self._rt = rt
        self.lane_id = lane_id
        self._deadline = begun + LEASE_SECONDS
        self.is_lost = False

    def holds(self) -> bool:
        """Whether a request may begin now."""
        return not self.is_lost and time.monotonic() < self._deadline

    async def keep(self) -> None:
        """Beat until cancelled, or until the sweep gave the lane up."""
        while not self.is_lost:
            await asyncio.sleep(BEAT_SECONDS)
            begun = time.monotonic()
            try:
                renewed = await asyncio.to_thread(self._beat)
            except DBAPIError as error:
                log.warning("lane %d: its lease could not be renewed (%s)", self.lane_id, type(error).__name__)
                continue
            if renewed:
                self._deadline = begun + LEASE_SECONDS
            else:
                self.is_lost = True
                log.warning("lane %d was given up; it begins nothing more", self.lane_id)

    def end(self) -> None:
        """Say that the lane ended and holds nothing."""
        with self._rt.database.write() as session:
            end_lane(session, self.lane_id)

    def _beat(self) -> bool:
        with self._rt.database.write() as session:
            return renew_lease(session, self.lane_id)


def sweep_lost_lanes(rt: Runtime, now: datetime) -> int:
    """Give up every lane whose lease is over for longer than a request lasts; how many rows became unsure.

    Safe to run anywhere, any number at a time: each lane is taken by one conditional UPDATE.
    """
    with rt.database.read() as session:
        lost = lost_lanes(session)
    swept = 0
    for lane_id in lost:
        with rt.database.write() as session:
            rows = expire_lane(session, lane_id, now)
        log.warning("lane %d died; %d messages of it are unsure", lane_id, rows)
        swept += rows
    return swept
