"""Notices a database that is older than what it caused, holds it, and settles who may have got a message since.

Every lane asks before it opens and after each claim, every start asks, and the schedule asks all the time: whoever notices it
first holds everything.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from redis.exceptions import RedisError
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.meta.error_codes import TEMPORARY
from jobs.core.runtime import Runtime
from jobs.restore.epoch_copies import EpochCopies
from jobs.restore.marks import restore_marks
from models.campaigns.pause import pause_campaigns
from models.clock import utcnow
from models.db.dialect import NO_SYNC
from models.restore.hold import cause_to_hold, hold_for_proof, hold_if_older
from models.restore.settle import settle_slice, unsettled_campaigns
from models.sending.epoch import raise_epoch, read_epoch
from models.stored_texts import NOT_SERVED
from models.tables.audit import MONITOR
from models.tables.campaign import Campaign, PauseReason
from models.tables.epoch import ONLY_ROW, Epoch
from models.tables.setting import read_setting

log = logging.getLogger("hark.restore")

SETTLE_SECONDS = 0.5
"""How long one round of the schedule settles rows."""
SERVED_EVERY = timedelta(seconds=30)


def hold_if_restored(rt: Runtime, now: datetime) -> bool:
    """Compare the database with the copies of its epoch, and hold everything if it is older. True if this call did.

    Raises RedisError if Redis is away and this host has no copy.
    """
    copies = EpochCopies(rt)
    # First: a copy is written after its transaction, so a newer database is never taken for an older one.
    known = copies.read()
    with rt.database.read() as session:
        epoch = read_epoch(session)
    if epoch == 0 and known is None:
        copies.keep(0)  # before the first that is sent: whoever sees a raised epoch then finds a copy
        return False
    if cause_to_hold(epoch, known) is None or (known is None and copies.read() is not None):
        return False
    with rt.database.write() as session:
        has_held = hold_if_older(session, known, now)
        epoch = read_epoch(session)
    copies.keep(epoch)
    if has_held:
        log.error(
            "the database is older than what it caused (its epoch was below %s): everything is held until an operator"
            " looks at it",
            known,
        )
    return has_held


def hold_for_outside_proof(rt: Runtime, now: datetime) -> None:
    """Hold everything because Meta spoke of a message that this database has not sent yet."""
    with rt.database.write() as session:
        has_held = hold_for_proof(session, now)
        epoch = read_epoch(session)
    if has_held:
        keep_epoch(rt, epoch)
        log.error("Meta speaks of a message that this database has not sent yet: everything is held")


def open_guarded(rt: Runtime, open_lane: Callable[[Session], int]) -> int | None:
    """Open a lane with a raised epoch whose copies are written; None if the database turned out to be an older one.

    Raises RedisError or OSError if a copy cannot be written: then the lane claims nothing, and the sweep expires it.
    """
    if hold_if_restored(rt, utcnow()):
        return None
    with rt.database.write() as session:
        lane_id = open_lane(session)
        epoch = raise_epoch(session)
    is_newest = EpochCopies(rt).keep(epoch) < epoch or not hold_if_restored(rt, utcnow())
    return lane_id if is_newest else None


def may_send(rt: Runtime, epoch: int) -> bool:
    """Whether what was claimed with this epoch may be sent: not if a copy turns out to be ahead of the database.

    Raises RedisError if Redis is away: then nothing may be sent.
    """
    return EpochCopies(rt).keep_in_redis(epoch) < epoch or not hold_if_restored(rt, utcnow())


def look_after_holds(rt: Runtime, now: datetime) -> None:
    """For the schedule: notice an older database or a long sleep, and settle rows of held campaigns for a moment."""
    hold_if_restored(rt, now)
    if _note_service(rt, now):
        _renew_copies(rt)
    until = time.monotonic() + SETTLE_SECONDS
    restore_marks(rt, now, until)
    with rt.database.read() as session:
        unsettled = unsettled_campaigns(session)
    for campaign_id in unsettled:
        has_more = True
        while has_more and time.monotonic() < until:
            with rt.database.write() as session:
                has_more = settle_slice(session, campaign_id, now, failures=TEMPORARY)


def keep_epoch(rt: Runtime, epoch: int) -> None:
    """Write the copies after a start or a schedule. If that fails the next lane does it, before it sends anything."""
    try:
        EpochCopies(rt).keep(epoch)
    except (RedisError, OSError) as error:
        log.warning("the copies of the epoch could not be written (%s)", type(error).__name__)


def _renew_copies(rt: Runtime) -> None:
    """Write the newest epoch to this host and to Redis, which may have lost it: each of them alone must be enough."""
    with rt.database.read() as session:
        epoch = read_epoch(session)
    EpochCopies(rt).keep(epoch)


def _note_service(rt: Runtime, now: datetime) -> bool:
    """Note that campaigns are looked after; if none were for longer than the setting allows, pause the active ones.

    True if this call noted it: of all schedules one does, twice a minute at most.
    """
    with rt.database.read() as session:
        before = session.scalar(select(Epoch.served_at).where(Epoch.id == ONLY_ROW))
        minutes = int(read_setting(session, "hold_after_sleep_minutes"))
    if before is not None and timedelta(0) <= now - before < SERVED_EVERY:
        return False
    with rt.database.write() as session:
        same = Epoch.served_at.is_(None) if before is None else Epoch.served_at == before
        taken = session.scalar(
            update(Epoch).where(Epoch.id == ONLY_ROW, same).values(served_at=now).returning(Epoch.id),
            execution_options=NO_SYNC,
        )
        if taken is None:
            return False
        if before is None or not minutes or now - before < timedelta(minutes=minutes):
            return True
        slept = round((now - before) / timedelta(minutes=1))
        paused = pause_campaigns(
            session, Campaign.deleted_at.is_(None), PauseReason.NOT_SERVED, NOT_SERVED(minutes=slept), now, MONITOR
        )
    if paused:
        log.warning("nothing ran for %d minutes: %d campaigns wait for an operator", slept, len(paused))
    return True
