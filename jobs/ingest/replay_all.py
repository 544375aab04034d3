"""Replays all dead letters in a worker, in turns of a minute, so that other jobs run in between.

The progress is stored in Redis for a day, for the panel and the next turn. The schedule resumes a replay that no worker runs,
after a lost wake-up or a crash. A letter at which a worker crashed is tried again, which does no harm.
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
EXPIRES_SECONDS = 86_400
TURN_SECONDS = 60.0
LOCK_SECONDS = 180
"""Renewed after each letter; after a crash another worker can go on when it has expired."""
BEGIN_WAIT_SECONDS = 1.0
MAX_TRIES = 3
"""Turns in a row that may crash at the same letter before it is skipped."""


@dataclass
class Run:
    """The progress of a replay, as it is stored in Redis."""

    actor: str
    total: int
    until_id: int
    cursor: int = 0
    """The last letter that was tried."""
    applied: int = 0
    failed: int = 0
    skipped: int = 0
    tries: int = 0
    ended_at: str = ""

    @property
    def done(self) -> int:
        """How many letters were tried."""
        return self.applied + self.failed + self.skipped

    @property
    def is_over(self) -> bool:
        """Whether the replay has ended."""
        return bool(self.ended_at)

    @property
    def ended(self) -> datetime | None:
        """When the replay ended; None while it runs."""
        return datetime.fromisoformat(self.ended_at) if self.ended_at else None

    def add(self, letter_id: int, result: ReplayResult) -> None:
        """Count the result of a letter and move the cursor to it."""
        self.cursor, self.tries = letter_id, 0
        counts = ReplayCounts(self.applied, self.failed, self.skipped).plus(result)
        self.applied, self.failed, self.skipped = counts


def begin_replay(rt: Runtime, actor: str) -> None:
    """Have a worker apply all dead letters that wait now.

    Raises OperatorError if a replay runs, if no letter waits, or if Redis cannot be reached.
    """
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
    """Return the replay that runs, else the last one; None if there was none for a day.

    Raises RedisError if Redis cannot be reached.
    """
    stored = rt.redis.get(KEY)
    return Run(**orjson.loads(stored)) if isinstance(stored, bytes) else None


def run_replay() -> None:
    """Run one turn of the replay, and enqueue the next one if letters remain."""
    rt = runtime()
    RUN_REPLAY.started(rt.redis)
    turn = _lock(rt)
    if not turn.acquire(blocking=False):
        return
    try:
        run = read_run(rt)
        if run is None or run.is_over:
            return
        has_more = _run_turn(rt, run, turn)
    except LockNotOwnedError:  # the lock expired and another turn began, which goes on
        return
    finally:
        _release(turn)
    if has_more and not SHUTDOWN.is_set():
        _wake(rt)


def wake_replay(rt: Runtime, now: datetime) -> bool:  # noqa: ARG001 - the schedule's form
    """Enqueue a turn for a replay that no worker runs. Return whether one was enqueued."""
    run = read_run(rt)
    return run is not None and not run.is_over and not rt.redis.exists(LOCK_KEY) and _wake(rt)


def _run_turn(rt: Runtime, run: Run, turn: Lock) -> bool:
    """Return False if the replay has ended, or waits for the database."""
    deadline = time.monotonic() + TURN_SECONDS
    run.tries += 1
    _save(rt, run)
    try:
        for letter_id in waiting_after(rt, run.cursor, run.until_id):
            if SHUTDOWN.is_set() or time.monotonic() >= deadline:
                run.tries = 0
                _save(rt, run)
                return True
            run.add(letter_id, _replay(rt, run, letter_id))
            turn.reacquire()  # before the save: a worker that lost the lock writes nothing
            _save(rt, run)
        _finish(rt, run)
    except Exception as error:
        if not may_be_an_outage(error):
            raise
        log.warning("a replay of dead letters waits for the database (%s)", type(error).__name__)
        run.tries = 0
        _save(rt, run)
    return False


def _replay(rt: Runtime, run: Run, letter_id: int) -> ReplayResult:
    """Replay a letter, or skip it if several workers crashed at it, so that it does not block the others."""
    if run.tries <= MAX_TRIES:
        return replay_one(rt, letter_id)
    log.error("dead letter %d: %d turns broke off at it; it is passed over", letter_id, MAX_TRIES)
    return ReplayResult.FAILED


def _finish(rt: Runtime, run: Run) -> None:
    """Store the end. Letters that were applied or deleted before their page was read count as skipped."""
    now = utcnow()
    run.skipped = max(run.skipped, run.total - run.applied - run.failed)
    counts = {"applied": run.applied, "failed": run.failed, "skipped": run.skipped}
    with rt.database.write() as session:
        record_audit(session, now, run.actor, AuditAction.REPLAY, "dead_letter", "all", **counts)
    run.ended_at = now.isoformat()
    _save(rt, run)


def _save(rt: Runtime, run: Run) -> None:
    rt.redis.set(KEY, orjson.dumps(asdict(run)), ex=EXPIRES_SECONDS)


def _lock(rt: Runtime) -> Lock:
    return Lock(rt.redis, LOCK_KEY, timeout=LOCK_SECONDS)


def _release(turn: Lock) -> None:
    with suppress(LockError, RedisError):  # it expires by itself
        turn.release()


def _wake(rt: Runtime) -> bool:
    return RUN_REPLAY.enqueue(rt.redis)
