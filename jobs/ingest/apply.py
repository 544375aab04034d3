"""One transaction of the ingest: inbound messages before statuses, then changes, then what is parked or dead.

What the transaction leaves for Redis to know (wake-ups, counts) is returned, and done after the commit.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import update
from sqlalchemy.orm import Session

from jobs.core.runtime import Runtime
from jobs.core.wake_ups import ANSWER_WAITING, SYNC_NUMBER, SYNC_TEMPLATES
from jobs.ingest.late_failures import react_to_failures
from models.clock import utcnow
from models.events.account.apply import apply_changes
from models.events.account.update import ChangeResult
from models.events.dead_letters import keep_dead_letter
from models.events.messages.store import store_inbound
from models.events.parked import park_statuses
from models.events.statuses.apply import apply_statuses
from models.events.types import AccountChange, InboundMessage, Parsed, Status
from models.tables.number import Number, Waba

COUNTS_KEY = "hark:ingest:counts"
INGEST = "ingest"


@dataclass(slots=True)
class Dead:
    """A payload that cannot be processed, and why, in words without content."""

    raw: bytes
    error: str


@dataclass(slots=True)
class Applied:
    """What a transaction came to."""

    counts: Counter[str] = field(default_factory=Counter)
    conversations: list[int] = field(default_factory=list)
    templates_of: set[int] = field(default_factory=set)
    numbers: set[int] = field(default_factory=set)
    has_parked: bool = False


def apply_parsed(rt: Runtime, parsed: Sequence[Parsed], dead: Sequence[Dead] = ()) -> Applied:
    """Apply payloads in one transaction. Raises what the database raises; nothing is written then."""
    inbound: list[InboundMessage] = [item for one in parsed for item in one.inbound]
    statuses: list[Status] = [item for one in parsed for item in one.statuses]
    changes: list[AccountChange] = [item for one in parsed for item in one.changes]
    applied = Applied()
    counts = applied.counts
    counts["ignored"] = sum(one.ignored for one in parsed)
    installation = rt.installation
    now = utcnow()
    with rt.database.write() as session:
        if inbound:
            stored = store_inbound(session, inbound, now, installation)
            applied.conversations = stored.conversations
            counts.update(messages=stored.stored, repeated=stored.repeated, strangers=stored.strangers)
        if statuses:
            matched = apply_statuses(session, statuses, now, installation)
            react_to_failures(session, matched.failures, now)
            counts.update(statuses=matched.applied, foreign=matched.foreign, disagreeing=matched.disagreeing)
            counts["parked"] = park_statuses(session, matched.waiting, now)
            applied.has_parked = bool(matched.waiting)
        if changes:
            told = apply_changes(session, changes, now)
            applied.templates_of, applied.numbers = told.templates_of, told.numbers
            _ask_again(session, told)
            counts.update(changes=told.applied, repeated=told.repeated, strangers=told.strangers, ignored=told.ignored)
        for letter in dead:
            keep_dead_letter(session, letter.raw, letter.error, now)
        counts["dead"] = len(dead)
    return applied


def _ask_again(session: Session, told: ChangeResult) -> None:
    """What is to be read from Meta counts as never read: the schedule wakes the reading, should our wake-up be lost."""
    if told.templates_of:
        session.execute(update(Waba).where(Waba.id.in_(sorted(told.templates_of))).values(templates_synced_at=None))
    if told.numbers:
        session.execute(update(Number).where(Number.id.in_(sorted(told.numbers))).values(read_at=None))


def wake_after(rt: Runtime, applied: Applied) -> None:
    """After the commit: whoever answers, and whoever asks Meta. What gets lost is made again by the schedules."""
    if applied.conversations:
        ANSWER_WAITING.enqueue(rt.redis, INGEST)
    for waba_pk in sorted(applied.templates_of):
        SYNC_TEMPLATES.enqueue(rt.redis, waba_pk)
    for number_pk in sorted(applied.numbers):
        SYNC_NUMBER.enqueue(rt.redis, number_pk)


def split_in_half(parsed: Parsed) -> tuple[Parsed, Parsed]:
    """The same items in two parts."""
    items: list[InboundMessage | Status | AccountChange] = [*parsed.inbound, *parsed.statuses, *parsed.changes]
    parts = (Parsed(), Parsed())
    for place, item in enumerate(items):
        part = parts[place >= len(items) // 2]
        if isinstance(item, InboundMessage):
            part.inbound.append(item)
        elif isinstance(item, Status):
            part.statuses.append(item)
        else:
            part.changes.append(item)
    return parts
