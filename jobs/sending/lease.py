"""Renews a lane's lease in the database, tracks its expiry on the local clock, and expires the leases of dead lanes."""

import asyncio
import logging
import time
from datetime import datetime

from sqlalchemy.exc import DBAPIError

from jobs.core.clock_check import has_just_jumped
from jobs.core.runtime import Runtime
from models.sending.lease import end_lane, expire_lane, lost_lanes, renew_lease
from models.tables.lane import BEAT_SECONDS, LEASE_SECONDS

log = logging.getLogger("hark.lane")


class Lease:
    """The lease of one lane; `begun` is the monotonic time just before the lane's row was written.

    `holds()` is cheap and is called before each request. The deadline counts from before the statement that renewed it, on the
    monotonic clock, which runs on while a process is suspended: one that wakes up after its lease begins nothing.
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
        """Renew every BEAT_SECONDS until cancelled, or until the sweep expired the lane (`is_lost`)."""
        while not self.is_lost:
            await asyncio.sleep(BEAT_SECONDS)
            begun = time.monotonic()
            try:
                renewed = await asyncio.to_thread(self._renew)
            except DBAPIError as error:
                log.warning("lane %d: its lease could not be renewed (%s)", self.lane_id, type(error).__name__)
                continue
            if renewed:
                self._deadline = begun + LEASE_SECONDS
            else:
                self.is_lost = True
                log.warning("lane %d was given up; it begins nothing more", self.lane_id)

    def end(self) -> None:
        """Record that the lane ended and holds nothing. Raises DBAPIError if the database is away."""
        with self._rt.database.write() as session:
            end_lane(session, self.lane_id)

    def _renew(self) -> bool:
        with self._rt.database.write() as session:
            return renew_lease(session, self.lane_id)


def sweep_lost_lanes(rt: Runtime, now: datetime) -> int:
    """Expire every lane whose lease has been over for longer than a request lasts; return how many rows became UNSURE.

    It may run anywhere, several at a time: one conditional UPDATE takes each lane.
    """
    with rt.database.read() as session:
        lane_ids = lost_lanes(session)
    if lane_ids and has_just_jumped(rt):
        return 0  # whoever is alive renews the lease by the new clock
    unsure_count = 0
    for lane_id in lane_ids:
        with rt.database.write() as session:
            rows = expire_lane(session, lane_id, now)
        log.warning("lane %d died; %d messages of it are unsure", lane_id, rows)
        unsure_count += rows
    return unsure_count
