"""Carries out what an answer means beyond its own row: a lane sets flags at once and writes to the database right after.

The flags stop this lane's next request; the conditional UPDATEs of jobs.sending.effects stop other lanes within a chunk.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from bot.meta.error_codes import ErrorAction, ErrorRule
from jobs.core.runtime import Runtime
from jobs.sending.campaign_feed import Served, ServedCohort
from jobs.sending.effects import (
    doubt_marketing_state,
    hold_number,
    pause_campaign,
    pause_cohort,
    stop_number,
    suppress_person,
)
from jobs.sending.failure_rate import FailureGuard, without_digits
from jobs.sending.judge import SendVerdict
from jobs.sending.pace import Pace
from models.campaigns.cohort_pause import OF_TEMPLATE
from models.clock import utcnow, zoned
from models.sending.claim import ClaimedRecipient
from models.stored_texts import DECISIVE, DECISIVE_AFTER, MESSAGING_LIMIT_MET_UNTIL
from models.tables.campaign import PauseReason
from models.text import Text

log = logging.getLogger("hark.lane")

UNREACHABLE_PAUSE_SECONDS = 2.0


class SideEffects:
    """The side effects of one lane. `is_stopped` and `hold_until` (monotonic seconds) are read before each request."""

    def __init__(self, rt: Runtime, number_id: int, lane_id: int, pace: Pace) -> None:
        self._rt = rt
        self._number_id = number_id
        self._lane_id = lane_id
        self._pace = pace
        self._tasks: set[asyncio.Task[None]] = set()
        self._has_doubted = False
        self.is_stopped = False
        self.hold_until = 0.0

    def apply(self, cohort: ServedCohort, row: ClaimedRecipient, verdict: SendVerdict) -> None:
        """Begin the action of the verdict's rule; its writes run in the background."""
        rule, served = verdict.rule, cohort.campaign
        if rule is None:
            return
        now = utcnow()
        detail = _pause_detail(rule, served, verdict)
        match rule.action:
            case ErrorAction.PAUSE if not cohort.is_blocked:
                reason = rule.reason or PauseReason.FAILURE_RATE
                seconds = rule.pause_seconds
                self._pause_message(cohort, reason, detail, now + timedelta(seconds=seconds) if seconds else None)
            case ErrorAction.STOP if not self.is_stopped:
                self.is_stopped = True
                self._start(self._in_thread(stop_number, self._rt, self._number_id, rule, detail, now))
            case ErrorAction.HOLD if time.monotonic() >= self.hold_until:
                self.hold_until = time.monotonic() + verdict.delay_seconds
                self._start(self._in_thread(hold_number, self._rt, self._number_id, verdict.delay_seconds, now))
            case ErrorAction.THROTTLE:
                self._start(self._in_thread(self._pace.slow_down))
            case ErrorAction.FAIL_SUPPRESS:
                self._start(self._in_thread(suppress_person, self._rt, row.contact_id, rule, now))
            case ErrorAction.RETRY if (
                verdict.code is None
            ):  # Meta could not be reached: trying at full speed is useless
                self.hold_until = max(self.hold_until, time.monotonic() + UNREACHABLE_PAUSE_SECONDS)
            case _:
                pass

    def stop_failing(self, served: Served, kind: str) -> None:
        """Pause the campaign because too many sends failed with this kind, with a sample of what failed."""
        if served.is_blocked:
            return
        served.is_blocked = True
        detail = served.guard.explain(kind)
        served.guard = FailureGuard()  # if it is resumed, it is judged by new results alone
        self._pause(served, pause_campaign, PauseReason.FAILURE_RATE, detail)

    def doubt_marketing(self) -> None:
        """Have Meta asked again about the account, once a lane: she refused what the state that is known would allow."""
        if not self._has_doubted:
            self._has_doubted = True
            self._start(self._in_thread(doubt_marketing_state, self._rt, self._number_id))

    def stop_changed(self, cohort: ServedCohort, problem: Text) -> None:
        """Pause what sends a message that was changed, so that it would not be the one that was approved."""
        self._pause_message(cohort, PauseReason.TEMPLATE_CHANGED, problem)

    async def reach_limit(self, served: Served, lifts_at: datetime) -> None:
        """Pause the campaign at the portfolio's messaging limit until `lifts_at`, when contacts stop counting
        (docs/meta.md §4.3).
        """
        served.is_blocked = True
        detail = MESSAGING_LIMIT_MET_UNTIL(at=zoned(lifts_at, self._rt.settings.time_zone))
        await asyncio.to_thread(
            pause_campaign, self._rt, served.id, PauseReason.LIMIT_REACHED, detail, utcnow(), resumes_at=lifts_at
        )

    async def finish(self) -> None:
        """Wait until the effects that were begun are written, at most 2 s."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=2.0)

    def _pause_message(
        self, cohort: ServedCohort, reason: PauseReason, detail: Text, resumes_at: datetime | None = None
    ) -> None:
        """Pause the cohort alone where the reason is its message's and others of the campaign get another, else the campaign."""
        if reason in OF_TEMPLATE and not cohort.campaign.is_plain:
            cohort.is_blocked_alone = True
            self._pause(cohort, partial(pause_cohort, resumes_at=resumes_at), reason, detail)
        else:
            cohort.campaign.is_blocked = True
            self._pause(cohort.campaign, partial(pause_campaign, resumes_at=resumes_at), reason, detail)

    def _pause(
        self, what: Served | ServedCohort, pause: Callable[..., object], reason: PauseReason, detail: Text
    ) -> None:
        what.is_pausing = True
        self._start(self._write_pause(what, pause, reason, detail))

    async def _write_pause(
        self, what: Served | ServedCohort, pause: Callable[..., object], reason: PauseReason, detail: Text
    ) -> None:
        try:
            await self._in_thread(pause, self._rt, what.id, reason, detail, utcnow())
        finally:
            what.is_pausing = False

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

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _pause_detail(rule: ErrorRule, served: Served, verdict: SendVerdict) -> Text:
    """The text for the operator: the decisive error, and what else failed lately."""
    said = without_digits(verdict.message or Text(rule.text))
    others = served.guard.samples()
    if others:
        return DECISIVE_AFTER(said=said, advice=Text(rule.advice), code=verdict.code, others=others)
    return DECISIVE(said=said, advice=Text(rule.advice), code=verdict.code)
