"""Applies parsed payloads in one transaction: messages, changes of control, statuses, account changes, then dead letters.

Wake-ups and counts, which go to Redis, are returned; the caller writes them after the commit.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import update
from sqlalchemy.orm import Session

from bot.flows.offers import offers_title
from jobs.core.runtime import Runtime
from jobs.core.wake_ups import ANSWER_WAITING, SYNC_NUMBER, SYNC_TEMPLATES
from jobs.ingest.late_failures import react_to_failures
from jobs.ingest.own_words import with_own_words
from jobs.restore.watch import hold_for_outside_proof
from models.clicks.meta_reports import ReportedClick, store_reported_clicks
from models.clock import utcnow
from models.events.account.apply import apply_changes
from models.events.account.numbers import note_phone_app
from models.events.account.update import ChangeResult
from models.events.control_changes import apply_control_changes
from models.events.dead_letters import keep_dead_letter
from models.events.messages.echoes import store_echoes
from models.events.messages.store import store_inbound
from models.events.parked import park_statuses
from models.events.statuses.apply import apply_statuses
from models.events.types import AccountChange, ControlChange, Echo, InboundMessage, Parsed, Status
from models.restore.proof import are_ahead
from models.tables.conversation import PHONE_APP_AUTHOR
from models.tables.number import Number, Waba

COUNTS_KEY = "hark:ingest:counts"
INGEST = "ingest"


@dataclass(slots=True)
class Dead:
    """A payload that cannot be processed. `error` names the reason without any content of the payload."""

    raw: bytes
    error: str


@dataclass(slots=True)
class Applied:
    """The result of a transaction, for wake-ups and counts. Ids are database ids."""

    counts: Counter[str] = field(default_factory=Counter)
    conversations: list[int] = field(default_factory=list)
    templates_of: set[int] = field(default_factory=set)
    numbers: set[int] = field(default_factory=set)
    has_parked: bool = False


def apply_parsed(rt: Runtime, parsed: Sequence[Parsed], dead: Sequence[Dead] = ()) -> Applied:
    """Apply payloads in one transaction. Raises SQLAlchemyError or OSError if the database fails; nothing is written then.

    If Meta speaks of a message that this database has not sent yet, everything is held (models.restore).
    """
    inbound: list[InboundMessage] = [item for payload in parsed for item in payload.inbound]
    statuses: list[Status] = [item for payload in parsed for item in payload.statuses]
    changes: list[AccountChange] = [item for payload in parsed for item in payload.changes]
    echoes: list[Echo] = [item for payload in parsed for item in payload.echoes]
    control: list[ControlChange] = [item for payload in parsed for item in payload.control]
    clicks: list[ReportedClick] = [item for payload in parsed for item in payload.clicks]
    applied = Applied()
    counts = applied.counts
    counts["ignored"] = sum(payload.ignored for payload in parsed)
    installation = rt.installation
    now = utcnow()
    is_ahead = False
    with rt.database.write() as session:
        if inbound:
            stored = store_inbound(session, with_own_words(session, inbound), now, installation, offers_title)
            applied.conversations = stored.conversations
            is_ahead = are_ahead(session, _pressed_recipients(inbound, installation))
            counts.update(
                messages=stored.stored,
                repeated=stored.repeated,
                strangers=stored.strangers,
                link_codes=stored.link_codes,
            )
        if echoes:
            echoed = store_echoes(session, echoes, now)
            in_the_app = {echo.message.phone_number_id for echo in echoes if echo.author == PHONE_APP_AUTHOR}
            note_phone_app(session, in_the_app)
            counts.update(echoes=echoed.stored, repeated=echoed.repeated, strangers=echoed.strangers)
        if control:
            counts["control_changes"] = apply_control_changes(session, control, now)
        if statuses:
            matched = apply_statuses(session, statuses, now, installation)
            react_to_failures(session, matched.failures, now)
            counts.update(statuses=matched.applied, foreign=matched.foreign, disagreeing=matched.disagreeing)
            counts["parked"] = park_statuses(session, matched.waiting, now)
            applied.has_parked = bool(matched.waiting)
            is_ahead = is_ahead or matched.is_ahead
        if changes:
            result = apply_changes(session, changes, now)
            applied.templates_of, applied.numbers = result.templates_of, result.numbers
            _mark_unread(session, result)
            counts.update(
                changes=result.applied,
                repeated=result.repeated,
                strangers=result.unknown_accounts,
                ignored=result.ignored,
            )
        store_reported_clicks(session, clicks)
        for letter in dead:
            keep_dead_letter(session, letter.raw, letter.error, now)
        counts["dead"] = len(dead)
    if is_ahead:
        hold_for_outside_proof(rt, now)
    return applied


def _pressed_recipients(inbound: Sequence[InboundMessage], installation: str) -> list[int]:
    """The recipients that the buttons of our own templates name."""
    pressed = [message.pressed for message in inbound if message.pressed is not None]
    return [button.recipient_id for button in pressed if button.installation == installation]


def _mark_unread(session: Session, result: ChangeResult) -> None:
    """Mark templates and numbers as never read from Meta: if the wake-up is lost, the schedule has them read."""
    if result.templates_of:
        session.execute(update(Waba).where(Waba.id.in_(sorted(result.templates_of))).values(templates_synced_at=None))
    if result.numbers:
        session.execute(update(Number).where(Number.id.in_(sorted(result.numbers))).values(read_at=None))


def wake_after(rt: Runtime, applied: Applied) -> None:
    """Enqueue the jobs that answer messages and read from Meta. Called after the commit; the schedule repeats lost wake-ups.

    Raises RedisError if Redis cannot be reached.
    """
    if applied.conversations:
        ANSWER_WAITING.enqueue(rt.redis, INGEST)
    for waba_pk in sorted(applied.templates_of):
        SYNC_TEMPLATES.enqueue(rt.redis, waba_pk)
    for number_pk in sorted(applied.numbers):
        SYNC_NUMBER.enqueue(rt.redis, number_pk)


def split_in_half(parsed: Parsed) -> tuple[Parsed, Parsed]:
    """Return the items of a payload in two halves."""
    items: list[InboundMessage | Status | AccountChange | Echo | ControlChange | ReportedClick] = [
        *parsed.inbound,
        *parsed.statuses,
        *parsed.changes,
        *parsed.echoes,
        *parsed.control,
        *parsed.clicks,
    ]
    parts = (Parsed(), Parsed())
    for place, item in enumerate(items):
        part = parts[place >= len(items) // 2]
        if isinstance(item, InboundMessage):
            part.inbound.append(item)
        elif isinstance(item, Status):
            part.statuses.append(item)
        elif isinstance(item, Echo):
            part.echoes.append(item)
        elif isinstance(item, ControlChange):
            part.control.append(item)
        elif isinstance(item, ReportedClick):
            part.clicks.append(item)
        else:
            part.changes.append(item)
    return parts
