"""A replay of all dead letters by a worker: in turns of a minute, so that other chores go on meanwhile.

How far it is stands in Redis, for the panel and for the next turn, for a day. The schedule wakes one at which nobody is: lost
wake-ups, dead workers. A letter that a dead worker was at is tried again, which does no harm.
"""

import logging
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime

import orjson
from redis.exceptions import LockError, LockNotOwnedError, RedisError
from redis.lock import Lock

from jobs.core.db_errors import may_be_an_outage
from jobs.core.runtime import Runtime, runtime
from jobs.core.shutdown import SHUTDOWN
from jobs.core.wake_ups import RUN_REPLAY
from jobs.ingest.replay import ReplayCounts, ReplayResult, replay_one, waiting_after
from models.clock import utcnow
from models.errors import OperatorError
from models.events.dead_letters import count_waiting
from models.tables.audit import AuditAction, record_audit

log = logging.getLogger("hark.replay")

KEY = "hark:replay"
LOCK_KEY = "hark:replay:turn"
WAKE_KEY = "replay"
KEPT_SECONDS = 86_400
TURN_SECONDS = 60.0
LOCK_SECONDS = 180
"""Taken anew after each letter; a worker that died is followed by another when it is over."""
BEGIN_WAIT_SECONDS = 1.0
MAX_TRIES = 3
"""Turns that were begun one after the other and broke off at the same letter."""


@dataclass
class Run:
    """How far it is."""

    actor: str
    total: int
    until_id: int
    cursor: int = 0
    """The last one that was tried."""
    applied: int = 0
    failed: int = 0
    skipped: int = 0
    tries: int = 0
    ended_at: str = ""

    @property
    def done(self) -> int:
        """How many were tried."""
        return self.applied + self.failed + self.skipped

    @property
    def is_over(self) -> bool:
        """Whether it came to its end."""
        return bool(self.ended_at)

    @property
    def ended(self) -> datetime | None:
        """When it did."""
        return datetime.fromisoformat(self.ended_at) if self.ended_at else None

    def add(self, letter_id: int, fate: ReplayResult) -> None:
        """Count one."""
        self.cursor, self.tries = letter_id, 0
        counted = ReplayCounts(self.applied, self.failed, self.skipped).plus(fate)
        self.applied, self.failed, self.skipped = counted


def begin_replay(rt: Runtime, actor: str) -> None:
    """Have a worker apply all that wait now. Refused where that is under way, where none waits, and without Redis."""
    with rt.database.read() as session:
        total, newest = count_waiting(session)
    if not total:
        raise OperatorError("No dead letter waits.")
    turn = _lock(rt)
    try:
        if not turn.acquire(blocking_timeout=BEGIN_WAIT_SECONDS):
            raise OperatorError("They are being tried again already.")
        try:
            run = read_run(rt)
            if run is not None and not run.is_over:
                raise OperatorError("They are being tried again already.")
            _save(rt, Run(actor, total, newest))
        finally:
            _release(turn)
        _wake(rt)
    except RedisError as error:
        raise OperatorError(
            "Redis cannot be reached ({kind}): nothing was begun.", kind=type(error).__name__
        ) from error


def read_run(rt: Runtime) -> Run | None:
    """The one under way, or the last one that ended; None where there was none for a day. RedisError."""
    kept = rt.redis.get(KEY)
    return Run(**orjson.loads(kept)) if isinstance(kept, bytes) else None


def run_replay() -> None:
    """The job: one turn, and a wake-up for the next where it is not over."""
    rt = runtime()
    RUN_REPLAY.started(rt.redis)
    turn = _lock(rt)
    if not turn.acquire(blocking=False):
        return
    try:
        run = read_run(rt)
        if run is None or run.is_over:
            return
        goes_on = _turn(rt, run, turn)
    except LockNotOwnedError:  # it took so long that another turn began, which goes on
        return
    finally:
        _release(turn)
    if goes_on and not SHUTDOWN.is_set():
        _wake(rt)


def wake_replay(rt: Runtime, now: datetime) -> bool:  # noqa: ARG001 - the schedule's form
    """Wake what is under way and stands still; whether it was."""
    run = read_run(rt)
    return run is not None and not run.is_over and not rt.redis.exists(LOCK_KEY) and _wake(rt)


def _turn(rt: Runtime, run: Run, turn: Lock) -> bool:
    """False where it is over, or waits for the database."""
    ends = time.monotonic() + TURN_SECONDS
    run.tries += 1
    _save(rt, run)
    try:
        for letter_id in waiting_after(rt, run.cursor, run.until_id):
            if SHUTDOWN.is_set() or time.monotonic() >= ends:
                run.tries = 0
                _save(rt, run)
                return True
            run.add(letter_id, _fate(rt, run, letter_id))
            turn.reacquire()  # before the save: whoever lost it writes nothing
            _save(rt, run)
        _finish(rt, run)
    except Exception as error:
        if not may_be_an_outage(error):
            raise
        log.warning("a replay of dead letters waits for the database (%s)", type(error).__name__)
        run.tries = 0
        _save(rt, run)
    return False


def _fate(rt: Runtime, run: Run, letter_id: int) -> ReplayResult:
    """A letter at which worker after worker died is left where it is: it must not keep the others from being tried."""
    if run.tries <= MAX_TRIES:
        return replay_one(rt, letter_id)
    log.error("dead letter %d: %d turns broke off at it; it is passed over", letter_id, MAX_TRIES)
    return ReplayResult.FAILED


def _finish(rt: Runtime, run: Run) -> None:
    """Those that were settled or deleted before their page was read were skipped too."""
    now = utcnow()
    run.skipped = max(run.skipped, run.total - run.applied - run.failed)
    counts = {"applied": run.applied, "failed": run.failed, "skipped": run.skipped}
    with rt.database.write() as session:
        record_audit(session, now, run.actor, AuditAction.REPLAY, "dead_letter", "all", **counts)
    run.ended_at = now.isoformat()
    _save(rt, run)


def _save(rt: Runtime, run: Run) -> None:
    rt.redis.set(KEY, orjson.dumps(asdict(run)), ex=KEPT_SECONDS)


def _lock(rt: Runtime) -> Lock:
    return Lock(rt.redis, LOCK_KEY, timeout=LOCK_SECONDS)


def _release(turn: Lock) -> None:
    with suppress(LockError, RedisError):  # it ends by itself
        turn.release()


def _wake(rt: Runtime) -> bool:
    return RUN_REPLAY.enqueue(rt.redis)
