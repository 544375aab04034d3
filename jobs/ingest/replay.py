"""Applies dead letters again at an operator's request, for example after a bug was fixed."""

import logging
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from bot.webhooks.parse import parse_payload
from bot.webhooks.parse_values import BadEventError
from jobs.core.db_errors import may_be_an_outage
from jobs.core.logs import described
from jobs.core.runtime import Runtime
from jobs.core.shutdown import SHUTDOWN
from jobs.ingest.apply import Applied, apply_parsed, wake_after
from jobs.ingest.shop import apply_entry
from models.clock import utcnow
from models.errors import OperatorError
from models.events.dead_letters import count_waiting, fail_letter, payload_of, settle_letter, waiting_letters
from models.events.types import Parsed
from models.tables.webhook_event import SHOP_MARK

log = logging.getLogger("hark.replay")

PAGE = 100
OUTAGE_TRIES = 3
TRY_SECONDS = 0.2


class ReplayResult(StrEnum):
    """The result of replaying one dead letter."""

    APPLIED = "applied"
    FAILED = "failed"
    SKIPPED = "skipped"
    """Another replay applied it meanwhile, or it was deleted."""


class ReplayCounts(NamedTuple):
    """Numbers of dead letters by result."""

    applied: int = 0
    failed: int = 0
    skipped: int = 0

    def plus(self, result: ReplayResult) -> "ReplayCounts":
        """Return the counts with one more of `result`."""
        return self._replace(**{result.value: getattr(self, result.value) + 1})


def replay_letters(rt: Runtime, letter_id: int | None = None) -> ReplayCounts:
    """Apply one dead letter, or all that wait now.

    Raises OperatorError if that one does not wait, and SQLAlchemyError or OSError if the database cannot be reached.
    """
    counts = ReplayCounts()
    if letter_id is not None:
        result = replay_one(rt, letter_id)
        if result is ReplayResult.SKIPPED:
            raise OperatorError(
                "dead letter {letter_id}: there is none that waits under this number", letter_id=letter_id
            )
        return counts.plus(result)
    with rt.database.read() as session:
        _, newest = count_waiting(session)
    for key in waiting_after(rt, 0, newest):
        counts = counts.plus(replay_one(rt, key))
    return counts


def waiting_after(rt: Runtime, letter_id: int, until_id: int) -> Iterator[int]:
    """Yield the ids of waiting letters after `letter_id` up to `until_id`, page by page; one that fails again is not repeated."""
    last = letter_id
    while True:
        with rt.database.read() as session:
            ids = waiting_letters(session, last, PAGE, until_id)
        yield from ids
        if len(ids) < PAGE:
            return
        last = ids[-1]


def replay_one(rt: Runtime, letter_id: int) -> ReplayResult:
    """Apply one dead letter and store the result. Two at once do no harm.

    Raises SQLAlchemyError or OSError if the database cannot be reached; nothing is changed then.
    """
    with rt.database.read() as session:
        raw = payload_of(session, letter_id)
    if raw is None:
        return ReplayResult.SKIPPED
    applied, error = _apply(rt, raw)
    with rt.database.write() as session:
        now = utcnow()
        settled = error is None and settle_letter(session, letter_id, now)
        failed = error is not None and fail_letter(session, letter_id, error, now)
    if applied is not None:
        _enqueue_wake_ups(rt, applied)
    if settled:
        return ReplayResult.APPLIED
    return ReplayResult.FAILED if failed else ReplayResult.SKIPPED


def _apply(rt: Runtime, raw: bytes) -> tuple[Applied | None, str | None]:
    """Return what was applied and the error; both if one item of many is broken."""
    tries = 1
    while True:
        try:
            return _apply_once(rt, raw)
        except BadEventError as error:
            return None, f"BadEventError: {error}"
        except Exception as error:
            if not may_be_an_outage(error) or (tries >= OUTAGE_TRIES and _database_works(rt)):
                return None, described(error)
            if tries >= OUTAGE_TRIES:
                raise
        tries += 1
        SHUTDOWN.wait(TRY_SECONDS)


def _apply_once(rt: Runtime, raw: bytes) -> tuple[Applied, str | None]:
    if raw.startswith(SHOP_MARK):
        apply_entry(rt, raw)
        return apply_parsed(rt, [Parsed()]), None
    parsed = parse_payload(raw)
    return apply_parsed(rt, [parsed]), f"BadEventError: {parsed.broken[0]}" if parsed.broken else None


def _database_works(rt: Runtime) -> bool:
    """Whether the database accepts writes. If so, the letter is at fault, and must not block the others."""
    try:
        with rt.database.write() as session:
            session.execute(text("SELECT 1 FROM dead_letter LIMIT 1"))
    except (SQLAlchemyError, OSError):
        return False
    return True


def _enqueue_wake_ups(rt: Runtime, applied: Applied) -> None:
    try:
        wake_after(rt, applied)
    except RedisError as error:
        log.warning("no wake-up (%s); the schedule makes one", type(error).__name__)
