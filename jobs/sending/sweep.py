"""Lanes that died: what they had under way becomes unsure, and nobody waits for them."""

import logging
from datetime import datetime

from jobs.core.runtime import Runtime
from models.sending.lease import lost_lanes, sweep_lane

log = logging.getLogger("hark.sweep")


def sweep_lost_lanes(rt: Runtime, now: datetime) -> int:
    """Give up every lane whose lease is over for longer than a request lasts; how many rows became unsure.

    Safe to run anywhere, any number at a time: each lane is taken by one conditional UPDATE.
    """
    with rt.database.read() as session:
        lost = lost_lanes(session)
    swept = 0
    for lane_id in lost:
        with rt.database.write() as session:
            rows = sweep_lane(session, lane_id, now)
        log.warning("lane %d died; %d messages of it are unsure", lane_id, rows)
        swept += rows
    return swept
