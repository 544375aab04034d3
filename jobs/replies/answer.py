"""The wake-ups of answering. What they find stands in the database; a lost or doubled one changes nothing."""

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

DRAIN_SECONDS = 20.0
MANY = "many"
MAX_WORKERS = 4
PER_WORKER = 100
"""So many waiting conversations wake one more worker."""

_desks = threading.local()


def answer_contact(conversation_id: int) -> None:
    """RQ's entry for one conversation. While it is at it, it takes whatever else waits."""
    rt = runtime()
    ANSWER_CONTACT.started(rt.redis, conversation_id)
    with rt.database.read() as session:
        waits = has_work(session, conversation_id, utcnow())
    if waits:
        answer_waiting(rt)


def answer_many(place: str) -> None:
    """RQ's entry for whatever waits."""
    rt = runtime()
    ANSWER_WAITING.started(rt.redis, place)
    answer_waiting(rt)


def answer_waiting(rt: Runtime, seconds: float = DRAIN_SECONDS) -> None:
    """Answer until nothing waits or the time is over; then a fresh wake-up takes over."""
    if not SHUTDOWN.is_set() and dispatcher_of(rt).drain(seconds):
        ANSWER_WAITING.enqueue(rt.redis, MANY)


def wake_repliers(rt: Runtime, now: datetime) -> int:
    """For the schedule: make wake-ups again for what waits and nobody is at; how many were made."""
    _begin_waits(rt, now)
    with rt.database.read() as session:
        most = MAX_WORKERS * PER_WORKER
        waiting = len(unclaimed_work(session, now, most)) + len(due_calls(session, now, most))
    places = [MANY, *(f"{MANY}:{place}" for place in range(1, MAX_WORKERS))]
    wanted = places[: -(-waiting // PER_WORKER)]  # rounded up
    return sum(ANSWER_WAITING.enqueue(rt.redis, place) for place in wanted)


def dispatcher_of(rt: Runtime) -> ReplyDispatcher:
    """This thread's desk; another runtime's is closed first."""
    desk: ReplyDispatcher | None = getattr(_desks, "desk", None)
    if desk is not None and desk.rt is not rt:
        close_dispatcher()
        desk = None
    if desk is None:
        desk = _desks.desk = ReplyDispatcher(rt)
    return desk


def close_dispatcher() -> None:
    """Give this thread's desk back, if it has one."""
    desk: ReplyDispatcher | None = getattr(_desks, "desk", None)
    _desks.desk = None
    if desk is not None:
        desk.close()


def _begin_waits(rt: Runtime, now: datetime) -> None:
    """Waits whose message was settled by a status or by the sweep."""
    with rt.database.read() as session:
        if not settled_waits(session):
            return
    with rt.database.write() as session:
        begin_waits(session, settled_waits(session), now)
