"""The RQ jobs that answer conversations. The work stands in the database, so a lost or doubled job changes nothing."""

import threading
from datetime import datetime

from jobs.core.runtime import Runtime, runtime
from jobs.core.shutdown import SHUTDOWN
from jobs.core.wake_ups import ANSWER_CONTACT, ANSWER_WAITING
from jobs.replies.dispatcher import ReplyDispatcher
from jobs.replies.write import begin_waits, settled_waits
from models.clock import utcnow
from models.conversations.claim import has_work, unclaimed_work
from models.conversations.flow_http_calls import due_calls
from models.restore.hold import is_held

DRAIN_SECONDS = 20.0
MANY = "many"
MAX_WORKERS = 4
PER_WORKER = 100
"""One more worker is woken for every so many waiting conversations."""

_thread_local = threading.local()


def answer_contact(conversation_id: int) -> None:
    """RQ's entry for one conversation. If work waits in it, the job answers all other waiting conversations too."""
    rt = runtime()
    ANSWER_CONTACT.started(rt.redis, conversation_id)
    with rt.database.read() as session:
        waits = has_work(session, conversation_id, utcnow())
    if waits:
        answer_waiting(rt)


def answer_many(place: str) -> None:
    """RQ's entry for all waiting conversations. `place` makes jobs of several workers distinct."""
    rt = runtime()
    ANSWER_WAITING.started(rt.redis, place)
    answer_waiting(rt)


def answer_waiting(rt: Runtime, seconds: float = DRAIN_SECONDS) -> None:
    """Answer until nothing waits or `seconds` have passed; in the latter case a new job is enqueued."""
    if not SHUTDOWN.is_set() and dispatcher_of(rt).drain(seconds):
        ANSWER_WAITING.enqueue(rt.redis, MANY)


def wake_repliers(rt: Runtime, now: datetime) -> int:
    """For the schedule: enqueue jobs for conversations and calls that wait without a lease; returns how many were enqueued."""
    with rt.database.read() as session:
        if is_held(session):
            return 0
    _begin_waits(rt, now)
    with rt.database.read() as session:
        limit = MAX_WORKERS * PER_WORKER
        waiting = len(unclaimed_work(session, now, limit)) + len(due_calls(session, now, limit))
    places = [MANY, *(f"{MANY}:{place}" for place in range(1, MAX_WORKERS))]
    needed_places = places[: -(-waiting // PER_WORKER)]  # rounded up
    return sum(ANSWER_WAITING.enqueue(rt.redis, place) for place in needed_places)


def dispatcher_of(rt: Runtime) -> ReplyDispatcher:
    """This thread's dispatcher. A dispatcher of another runtime is closed first."""
    dispatcher: ReplyDispatcher | None = getattr(_thread_local, "dispatcher", None)
    if dispatcher is not None and dispatcher.rt is not rt:
        close_dispatcher()
        dispatcher = None
    if dispatcher is None:
        dispatcher = _thread_local.dispatcher = ReplyDispatcher(rt)
    return dispatcher


def close_dispatcher() -> None:
    """Close this thread's dispatcher, if it has one."""
    dispatcher: ReplyDispatcher | None = getattr(_thread_local, "dispatcher", None)
    _thread_local.dispatcher = None
    if dispatcher is not None:
        dispatcher.close()


def _begin_waits(rt: Runtime, now: datetime) -> None:
    """Start the timers whose message was settled by a status or by the sweep."""
    with rt.database.read() as session:
        if not settled_waits(session):
            return
    with rt.database.write() as session:
        begin_waits(session, settled_waits(session), now)
