"""Applies shop events from the stream, each in its own transaction, and acknowledges them after the commit.

The schedule enqueues the job while events wait. After a crash the next worker takes over the events. One that cannot be applied
becomes a dead letter; while the database cannot be reached, events wait.
"""

import logging
import os
import socket
import time
from datetime import datetime
from uuid import uuid4

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from bot.webhooks.parse_shop import parse_shop_entry
from bot.webhooks.parse_values import BadEventError
from bot.webhooks.shopify import shop_stream
from bot.webhooks.stream import Entry, EventStream
from jobs.core.db_errors import may_be_an_outage
from jobs.core.logs import described
from jobs.core.runtime import Runtime, runtime
from jobs.core.shutdown import SHUTDOWN
from jobs.core.wake_ups import APPLY_SHOP_EVENTS
from jobs.restore.redaction_file import finish_redaction
from models.clock import utcnow
from models.events.dead_letters import keep_dead_letter
from models.events.shop import ShopEventResult, apply_shop_event, redacted_by
from models.privacy.mentions import mentions_of

log = logging.getLogger("hark.shop")

WAKE_KEY = "shop"
BATCH = 50
JOB_SECONDS = 60.0


def wake_shop(rt: Runtime, now: datetime) -> bool:  # noqa: ARG001 - the schedule's form
    """Enqueue the job if any event waits, those of a crashed worker included. Return whether it was enqueued."""
    return bool(_stream(rt).backlog().events) and APPLY_SHOP_EVENTS.enqueue(rt.redis)


def apply_shop_events() -> None:
    """Apply waiting events for at most a minute."""
    rt = runtime()
    APPLY_SHOP_EVENTS.started(rt.redis)
    apply_waiting(rt, time.monotonic() + JOB_SECONDS)


def apply_waiting(rt: Runtime, deadline: float) -> int:
    """Apply waiting events until `deadline` (monotonic seconds); return how many.

    Raises RedisError if Redis cannot be reached, and SQLAlchemyError or OSError if the database cannot.
    """
    stream = _stream(rt)
    stream.make_group()
    name = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:6]}"
    count = 0
    try:
        while time.monotonic() < deadline and not SHUTDOWN.is_set():
            entries = stream.take_over(name, BATCH) or stream.read(name, BATCH)
            if not entries:
                break
            for place, entry in enumerate(entries, 1):
                _handle(rt, stream, entry)
                stream.hold(name, [later.id for later in entries[place:]])
                count += 1
    finally:
        _leave(stream, name)
    return count


def apply_entry(rt: Runtime, raw: bytes) -> ShopEventResult:
    """Apply one entry and commit. Raises BadEventError if it cannot be parsed."""
    event = parse_shop_entry(raw, rt.settings.default_country)
    with rt.database.write() as session:
        redacted_id = redacted_by(session, event)
        mentions = mentions_of(session, redacted_id) if redacted_id is not None else None
        asked_shop = rt.settings.shopify_shop if rt.settings.can_ask_shop else None
        result = apply_shop_event(session, event, utcnow(), rt.vault, asked_shop=asked_shop)
    if mentions is not None and result is ShopEventResult.APPLIED:
        finish_redaction(rt, mentions)
    return result


def _handle(rt: Runtime, stream: EventStream, entry: Entry) -> None:
    try:
        apply_entry(rt, entry.raw)
    except BadEventError as error:
        _keep_dead_letter(rt, entry.raw, f"BadEventError: {error}")
    except Exception as error:
        if isinstance(error, SQLAlchemyError | OSError) and may_be_an_outage(error):
            raise
        _keep_dead_letter(rt, entry.raw, described(error))
    stream.finish([entry.id])


def _keep_dead_letter(rt: Runtime, raw: bytes, error: str) -> None:
    log.warning("an event of a shop is kept as a dead letter: %s", error)
    with rt.database.write() as session:
        keep_dead_letter(session, raw, error, utcnow())


def _leave(stream: EventStream, name: str) -> None:
    try:
        stream.leave(name)
    except RedisError as error:
        log.info("left without a word: Redis is away (%s)", type(error).__name__)


def _stream(rt: Runtime) -> EventStream:
    return shop_stream(rt.redis, rt.settings.stream_bound)
