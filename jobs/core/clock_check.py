"""Says whether irreversible steps may be taken now: ends by time, purges, scheduled starts, the expiry of leases.

A clock that is wrong must not do what nobody can undo. The machine's clock is compared with the database server's, with Redis', and
with the last moment that was seen: since then it must have moved on by as much as the machine has been running (`/proc/uptime`,
which nobody sets). Each host compares its own clock, so one that is wrong stops nothing on the others.

A clock that jumped is believed again when it comes back, when an operator says that it is right (`flask clock accept`), or by
itself once the jump has stood for as long as it is wide, a week at most: an hour back for an hour, eight days ahead for a week.
"""

import logging
import socket
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from redis.exceptions import RedisError
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from jobs.core.runtime import Runtime
from models.clock import wall_clock
from models.db.dialect import NO_SYNC, database_now, insert_into
from models.tables.clock_seen import ClockSeen
from models.text import Text

log = logging.getLogger("hark.clock")

TOLERANCE = timedelta(minutes=2)
BELIEVED_AFTER = timedelta(days=7)
"""How long a jump stands at most until it is believed by itself."""
LONG_SILENCE = timedelta(days=1)
SETTLE_SECONDS = 600.0
"""How long a machine that was just switched on may take to set its clock, if nothing ran for `LONG_SILENCE` before."""
FRESH_JUMP_SECONDS = 60.0
"""Within that time after a jump, whoever holds a lease has renewed it by the new clock."""
_KEPT = timedelta(days=400)
_BOOT_ID, _UPTIME = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/uptime")


@dataclass(frozen=True)
class Clocks:
    """What the clocks show at one moment. `uptime`: seconds since the boot. None: that clock cannot be read, or is the same one."""

    now: datetime
    boot_id: str
    uptime: float
    database: datetime | None = None
    redis: datetime | None = None


def clock_problem(rt: Runtime) -> Text | None:
    """Return why no irreversible step may be taken now; None if the clocks agree."""
    with rt.database.read() as session:
        clocks = read_clocks(rt, session)
        return _disagreement(clocks) or _jump_text(clocks, _seen(session, clocks))


def may_take_irreversible_steps(rt: Runtime) -> bool:
    """Whether the clocks agree. The log says once when that changes."""
    problem = clock_problem(rt)
    _log_change(problem)
    return problem is None


def has_just_jumped(rt: Runtime) -> bool:
    """Whether this machine's clock jumped within the last minute, so that leases that others hold only look as if they were over.

    On PostgreSQL leases follow the server's clock and not this one.
    """
    if not rt.database.is_sqlite:
        return False
    with rt.database.read() as session:
        clocks = read_clocks(rt, session)
        seen = _seen(session, clocks)
    if _jump(clocks, seen) is None:
        return False
    noted_at = seen.jumped_at if seen is not None else None
    return noted_at is None or clocks.uptime - noted_at < FRESH_JUMP_SECONDS


def note_clocks(rt: Runtime, now: datetime) -> None:  # noqa: ARG001 - the schedule's form; the clock itself is what is looked at
    """For the schedule: store the moment if the clocks agree, else since when this machine's clock shows another one."""
    with rt.database.read() as session:
        clocks = read_clocks(rt, session)
        seen = _seen(session, clocks)
    disagreement = _disagreement(clocks)
    jump = _jump(clocks, seen)
    _log_change(disagreement or _jump_text(clocks, seen))
    if disagreement is not None:
        return
    with rt.database.write() as session:
        if jump is None or seen is None:
            if not _is_settling(clocks, seen):
                store_moment(session, clocks)
        elif seen.jumped_at is None or abs((seen.jump_seconds or 0.0) - jump) > TOLERANCE.total_seconds():
            _store(session, clocks, seen.at, seen.uptime_seconds, jump, clocks.uptime)
        elif clocks.uptime - seen.jumped_at >= min(abs(jump), BELIEVED_AFTER.total_seconds()):
            store_moment(session, clocks)
            log.warning("the clock is believed: it has stood for as long as it had jumped")


def read_clocks(rt: Runtime, session: Session) -> Clocks:
    """Read every clock there is."""
    boot_id, uptime = _machine()
    database = None if rt.database.is_sqlite else database_now(session)
    try:
        seconds, microseconds = rt.redis.time()
        redis = datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=microseconds)
    except (RedisError, OSError, ValueError):
        redis = None
    return Clocks(wall_clock(), boot_id, uptime, database, redis)


def store_moment(session: Session, clocks: Clocks) -> None:
    """Store that this machine's clock is right now. What was seen later, by clocks that were wrong, is forgotten."""
    ahead = (ClockSeen.at > clocks.now + TOLERANCE) & (ClockSeen.boot_id != clocks.boot_id)
    old = ClockSeen.at < clocks.now - _KEPT
    session.execute(delete(ClockSeen).where(ahead | old), execution_options=NO_SYNC)
    _store(session, clocks, clocks.now, clocks.uptime, None, None)


def _store(
    session: Session, clocks: Clocks, at: datetime, uptime: float, jump: float | None, jumped_at: float | None
) -> None:
    values = {
        "host": socket.gethostname()[:200],
        "at": at,
        "uptime_seconds": uptime,
        "jump_seconds": jump,
        "jumped_at": jumped_at,
    }
    session.execute(
        insert_into(session, ClockSeen)
        .values(boot_id=clocks.boot_id, **values)
        .on_conflict_do_update(index_elements=["boot_id"], set_=values)
    )


def _seen(session: Session, clocks: Clocks) -> ClockSeen | None:
    """What was last seen on this machine since its boot, else on any; None if nothing was."""
    own = session.get(ClockSeen, clocks.boot_id)
    if own is not None and own.uptime_seconds <= clocks.uptime + 1:
        return own
    newest = session.scalar(select(func.max(ClockSeen.at)))
    return None if newest is None else ClockSeen(boot_id="", at=newest, uptime_seconds=clocks.uptime)


def _jump(clocks: Clocks, seen: ClockSeen | None) -> float | None:
    """By how many seconds the clock is ahead of what it must show (negative: behind); None if it is right.

    Since another boot nobody knows how much time passed, only that it was not less than none.
    """
    if seen is None:
        return None
    passed = timedelta(seconds=clocks.uptime - seen.uptime_seconds)
    jump = clocks.now - (seen.at + passed)
    is_other_boot = seen.boot_id != clocks.boot_id
    return None if abs(jump) <= TOLERANCE or (is_other_boot and jump > timedelta(0)) else jump.total_seconds()


def _is_settling(clocks: Clocks, seen: ClockSeen | None) -> bool:
    """Whether the machine was just switched on after a long time, so that its clock may not be set yet."""
    is_other_boot = seen is not None and seen.boot_id != clocks.boot_id
    return bool(is_other_boot and seen and clocks.now - seen.at > LONG_SILENCE and clocks.uptime < SETTLE_SECONDS)


def _disagreement(clocks: Clocks) -> Text | None:
    for name, other in (("the database's", clocks.database), ("Redis'", clocks.redis)):
        if other is not None and abs(clocks.now - other) > TOLERANCE:
            return Text(
                "the clock of {host} differs from {name} by {length}",
                {"host": socket.gethostname(), "name": name, "length": _length((clocks.now - other).total_seconds())},
            )
    return None


def _jump_text(clocks: Clocks, seen: ClockSeen | None) -> Text | None:
    host = socket.gethostname()
    if (jump := _jump(clocks, seen)) is not None:
        way = "ahead" if jump > 0 else "back"
        return Text("the clock of {host} jumped {way} by {length}", {"host": host, "way": way, "length": _length(jump)})
    if _is_settling(clocks, seen):
        return Text("{host} was just switched on after more than a day; its clock may not be set yet", {"host": host})
    return None


def _length(seconds: float) -> str:
    minutes = round(abs(seconds) / 60)
    return (
        f"{minutes // 1440} d {minutes % 1440 // 60} h" if minutes >= 1440 else f"{minutes // 60} h {minutes % 60} min"
    )


def _machine() -> tuple[str, float]:
    """The boot's id and the seconds since it; where the system does not tell them, the host's name and the monotonic clock."""
    try:
        return _BOOT_ID.read_text().strip()[:64], float(_UPTIME.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return f"host {socket.gethostname()}"[:64], time.monotonic()


_logged: list[str] = []


def _log_change(problem: Text | None) -> None:
    if problem is not None and not _logged:
        log.error("%s: nothing is ended, purged or started by time until the clocks agree", problem)
        _logged.append(str(problem))
    elif problem is None and _logged:
        log.info("the clocks agree again")
        _logged.clear()
