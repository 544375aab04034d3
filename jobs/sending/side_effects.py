"""What an answer does beyond its own row, as a lane carries it out: flags here and now, the database right after.

The flags stop the lane's next request; the conditional UPDATEs of jobs.sending.effects stop everybody else's within a chunk.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from bot.meta.error_codes import ErrorAction, ErrorRule
from jobs.core.runtime import Runtime
from jobs.sending.campaign_feed import Served
from jobs.sending.effects import hold_number, pause_campaign, stop_number, suppress_person
from jobs.sending.failure_rate import FailureGuard, without_digits
from jobs.sending.judge import SendVerdict
from jobs.sending.pace import Pace
from models.clock import utcnow
from models.sending.claim import ClaimedRecipient
from models.tables.campaign import PauseReason

log = logging.getLogger("hark.lane")

UNREACHABLE_PAUSE_SECONDS = 2.0


class SideEffects:
    """One lane's. `is_stopped` and `hold_until` (monotonic) are read before each request."""

    def __init__(self, rt: Runtime, number_id: int, lane_id: int, pace: Pace) -> None:
        self._rt = rt
        self._number_id = number_id
        self._lane_id = lane_id
        self._pace = pace
        self._tasks: set[asyncio.Task[None]] = set()
        self.is_stopped = False
        self.hold_until = 0.0

    def apply(self, served: Served, row: ClaimedRecipient, verdict: SendVerdict) -> None:
        """What the table of errors says beyond the row."""
        rule = verdict.rule
        if rule is None:
            return
        now = utcnow()
        detail = _explained(rule, served, verdict)
        match rule.action:
            case ErrorAction.PAUSE if not served.is_blocked:
                served.is_blocked = True
                reason = rule.reason or PauseReason.FAILURE_RATE
                self._pause(served, reason, detail)
            case ErrorAction.STOP if not self.is_stopped:
                self.is_stopped = True
                self._do(self._in_thread(stop_number, self._rt, self._number_id, rule, detail, now))
            case ErrorAction.HOLD if time.monotonic() >= self.hold_until:
                self.hold_until = time.monotonic() + verdict.delay_seconds
                self._do(self._in_thread(hold_number, self._rt, self._number_id, verdict.delay_seconds, now))
            case ErrorAction.THROTTLE:
                self._do(self._in_thread(self._pace.slow_down))
            case ErrorAction.FAIL_SUPPRESS:
                self._do(self._in_thread(suppress_person, self._rt, row.contact_id, rule, now))
            case ErrorAction.RETRY if verdict.code is None:  # Meta could not be reached: no use in asking at full speed
                self.hold_until = max(self.hold_until, time.monotonic() + UNREACHABLE_PAUSE_SECONDS)
            case _:
                pass

    def stop_failing(self, served: Served, kind: str) -> None:
        """Too many failed alike: the campaign pauses with what was said of those that failed."""
        if served.is_blocked:
            return
        served.is_blocked = True
        detail = served.guard.explain(kind)
        served.guard = FailureGuard()  # once somebody let it go on, it is judged by what comes then
        self._pause(served, PauseReason.FAILURE_RATE, detail)

    async def reach_limit(self, served: Served, lifts_at: datetime) -> None:
        """The portfolio's limit is met: the campaign pauses until people stop counting."""
        served.is_blocked = True
        detail = (
            f"The portfolio's limit of unique people in 24 hours is met; it goes on at {lifts_at:%Y-%m-%d %H:%M} UTC."
        )
        await asyncio.to_thread(
            pause_campaign, self._rt, served.id, PauseReason.LIMIT_REACHED, detail, utcnow(), resumes_at=lifts_at
        )

    async def finish(self) -> None:
        """Let what was begun be carried out, for 2 s at the most."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=2.0)

    def _pause(self, served: Served, reason: PauseReason, detail: str) -> None:
        served.is_pausing = True
        self._do(self._write_pause(served, reason, detail))

    async def _write_pause(self, served: Served, reason: PauseReason, detail: str) -> None:
        try:
            await self._in_thread(pause_campaign, self._rt, served.id, reason, detail, utcnow())
        finally:
            served.is_pausing = False

    async def _in_thread(self, function: Callable[..., object], *arguments: object) -> None:
        for pause in (0.2, 1.0, 2.0, None):
            try:
                await asyncio.to_thread(function, *arguments)
                return
            except (DBAPIError, RedisError) as error:
                log.warning("lane %d: an effect waits (%s)", self._lane_id, type(error).__name__)
                if pause is None:
                    return
                await asyncio.sleep(pause)

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _explained(rule: ErrorRule, served: Served, verdict: SendVerdict) -> str:
    """A decisive error in words, and what else failed lately."""
    others = served.guard.samples()
    before = f" Before it failed: {others}." if others else ""
    return f"{without_digits(verdict.message or rule.text)} {rule.advice} (code {verdict.code}){before}"
