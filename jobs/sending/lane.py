"""Runs a lane: one sender that serves one number, round robin over its campaigns.

    reserve a slot (Redis) → claim a chunk (committed) → begin its requests at even intervals → record outcomes in batches

A chunk is a tenth of a second's sending and every condition is checked again before each request, so a pause, a lost lease, a
decisive error and SIGTERM act within a fraction of a second: rows that were claimed and not begun go back to the queue.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Sequence
from datetime import datetime

import orjson
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from bot.meta.client import GraphClient
from bot.meta.error_codes import MARKETING_OFF
from jobs.core.logs import described
from jobs.core.runtime import Runtime
from jobs.core.shutdown import SHUTDOWN
from jobs.restore.watch import may_send
from jobs.sending.campaign_feed import CampaignFeed, Served, ServedCohort, ServedNumber
from jobs.sending.judge import NEVER_BEGUN, SendVerdict, attempt_result, judge_send, unsendable
from jobs.sending.lease import Lease
from jobs.sending.pace import Pace, SendSlot
from jobs.sending.recorder import Recorder
from jobs.sending.side_effects import SideEffects
from models.clock import utcnow
from models.sending.claim import Claim, ClaimedRecipient, claim_recipients, put_back, recipients_held_by
from models.sending.epoch import raise_epoch
from models.stored_texts import NOT_BUILT
from models.tables.lane import REQUEST_TIMEOUT_SECONDS

log = logging.getLogger("hark.lane")

LIFE_SECONDS = 60.0
ROUND_SECONDS = 1.0
"""How often a lane reads its campaigns again."""
IDLE_SECONDS = 1.0
CHUNK_SECONDS = 0.1
MAX_PER_CHUNK = 100
MAX_IN_FLIGHT = 512
PATIENCE_SECONDS = 1.0
"""How long rows that missed their sending times wait for new ones. If those are later (a slow campaign), the rows go back."""


class SenderLane:
    """Runs on one event loop; calls to the database and to Redis run in threads. `sent` counts the requests it made."""

    def __init__(self, rt: Runtime, number: ServedNumber, lease: Lease, client: GraphClient) -> None:
        self._rt = rt
        self._number = number
        self._lease = lease
        self._client = client
        self._feed = CampaignFeed(rt, number)
        self._pace = Pace(rt.redis, number.id, number.messages_per_second)
        self._recorder = Recorder(rt, lease.lane_id, number.portfolio_id)
        self._room = asyncio.Semaphore(MAX_IN_FLIGHT)
        self._in_flight: set[asyncio.Task[None]] = set()
        self._held: set[int] = set()
        self._beginning: dict[int, asyncio.Task[None]] = {}
        self._intervals: dict[int, float] = {}
        self._served_last = 0
        self._is_stopped = False
        self._is_unclear = False
        self._side_effects = SideEffects(rt, number.id, lease.lane_id, self._pace)
        self.sent = 0

    async def run(self) -> None:
        """Serve for LIFE_SECONDS, or until nothing is due or there is a reason to stop; then drain."""
        keepers = [asyncio.create_task(self._lease.keep()), asyncio.create_task(self._recorder.keep())]
        for keeper in keepers:
            keeper.add_done_callback(self._stop)  # a lane without its lease or its recorder begins nothing more
        try:
            await self._serve(time.monotonic() + LIFE_SECONDS)
        finally:
            await self._drain(keepers)

    def _stop(self, _keeper: asyncio.Task[None]) -> None:
        self._is_stopped = True

    def _may_go_on(self) -> bool:
        return (
            not self._is_stopped and not self._side_effects.is_stopped and not SHUTDOWN.is_set() and self._lease.holds()
        )

    async def _serve(self, until: float) -> None:
        idle_since = time.monotonic()
        while self._may_go_on() and time.monotonic() < until:
            if self._recorder.is_stuck or time.monotonic() < self._side_effects.hold_until:
                await asyncio.sleep(0.2)
                continue
            await self._side_effects.finish()  # a campaign whose pause is still being written must not look active
            try:
                if self._is_unclear:
                    await self._put_back_unknown()
                campaigns = await asyncio.to_thread(self._feed.due, utcnow())
                self._pace.messages_per_second = self._feed.messages_per_second
                wait_seconds = await self._round(campaigns, until)
            except (DBAPIError, PoolTimeoutError, RedisError) as error:
                log.warning("lane %d: waits (%s)", self._lease.lane_id, type(error).__name__)
                wait_seconds = 0.5
                self._is_unclear = True
            if wait_seconds is not None:
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since > IDLE_SECONDS and not self._in_flight:
                return
            await asyncio.sleep(0.1 if wait_seconds is None else wait_seconds)

    async def _round(self, campaigns: Sequence[Served], until: float) -> float | None:
        """Send chunks in turn until the campaigns must be read again; the seconds to wait before that, None if nothing was due."""
        if not campaigns:
            return None
        again_at = min(time.monotonic() + ROUND_SECONDS, until)
        # Begin after the campaign that was served last: short rounds would otherwise serve the first campaigns alone.
        order = deque(sorted(campaigns, key=lambda served: (served.id <= self._served_last, served.id)))
        waits: list[float] = []
        has_begun = False
        while order and time.monotonic() < again_at and self._may_go_on() and not self._recorder.is_stuck:
            slot = await self._chunk(order[0])
            if slot is None:
                order.popleft()
            elif slot.size:
                has_begun = True
                self._served_last = order[0].id
                order.rotate(-1)
                waits.clear()
            elif slot.is_number_busy:
                await asyncio.sleep(min(0.1, slot.delay_seconds))
            else:
                order.rotate(-1)
                waits.append(slot.delay_seconds)
                if len(waits) >= len(order):
                    await asyncio.sleep(min(0.1, *waits))
                    waits.clear()
        return 0.0 if has_begun else 0.1

    async def _chunk(self, served: Served) -> SendSlot | None:
        """Send one chunk of one campaign: the slot that was granted or refused, None if there is nothing (more) to do."""
        if not self._may_begin(served):
            return None
        rate = min(served.per_second, self._pace.messages_per_second)
        size = max(1, min(MAX_PER_CHUNK, round(rate * CHUNK_SECONDS)))
        if interval := self._intervals.get(served.id):  # a throttled number takes longer for each
            size = max(1, min(size, round(CHUNK_SECONDS / interval)))
        slot = await asyncio.to_thread(self._pace.reserve, served.id, served.per_second, size)
        if slot.size == 0:
            return slot
        self._intervals[served.id] = slot.interval_seconds
        cohort, chunk = await asyncio.to_thread(self._claim_in_turn, served, size)
        if cohort is not None and chunk.problem is not None:
            self._side_effects.stop_changed(cohort, chunk.problem)
        if len(chunk.rows) < size:
            await asyncio.to_thread(self._pace.give_back, served.id, served.per_second, slot, size - len(chunk.rows))
        if cohort is None or not chunk.rows:
            if chunk.limit_lifts_at is not None:
                await self._reach_limit(served, chunk.limit_lifts_at)
            return slot if chunk.left_out and chunk.limit_lifts_at is None else None
        self._held.update(row.id for row in chunk.rows)
        served.timetable.add(slot, len(chunk.rows))
        earlier = self._beginning.get(served.id)
        if earlier is not None:
            await earlier
        self._beginning[served.id] = asyncio.create_task(self._begin(cohort, chunk.rows))
        return slot

    def _claim_in_turn(self, served: Served, size: int) -> tuple[ServedCohort | None, Claim]:
        """Claim from the first cohort that has somebody due; the next chunk begins with the one after it."""
        chunk = Claim()
        for cohort in list(served.cohorts):
            served.cohorts.remove(cohort)
            if cohort.is_blocked:
                continue
            chunk = self._claim(cohort, size)
            if chunk.rows or chunk.left_out or chunk.limit_lifts_at is not None:
                served.cohorts.append(cohort)
                return cohort, chunk
            # Paused or ended meanwhile: rows that are claimed and not begun go back.
            cohort.is_blocked_alone = not chunk.is_active
            if chunk.problem is not None:
                return cohort, chunk
        return None, chunk

    def _claim(self, cohort: ServedCohort, size: int) -> Claim:
        with self._rt.database.write() as session:
            claim = claim_recipients(
                session,
                self._lease.lane_id,
                cohort.id,
                size,
                utcnow(),
                self._rt.vault.person_hashes,
                self._rt.settings.time_zone,
                edition=cohort.edition,
            )
            epoch = raise_epoch(session) if claim.rows else 0
        if claim.rows and not may_send(self._rt, epoch):
            self._is_unclear = True  # what this claim took goes back, if it is not unsure by then
            return Claim(is_active=False)
        return claim

    async def _put_back_unknown(self) -> None:
        """After an unclear COMMIT: put back rows that this lane holds according to the database, but does not know of.

        Raises DBAPIError if the database is still away.
        """
        known_ids = self._held | self._recorder.ids
        held_ids = await asyncio.to_thread(self._held_in_database)
        unknown_ids = held_ids - known_ids - self._held - self._recorder.ids
        if unknown_ids:
            log.warning("lane %d: %d claimed rows of an unclear commit go back", self._lease.lane_id, len(unknown_ids))
            await asyncio.to_thread(self._put_back, unknown_ids)
        self._is_unclear = False

    def _held_in_database(self) -> set[int]:
        with self._rt.database.read() as session:
            return recipients_held_by(session, self._lease.lane_id)

    def _put_back(self, ids: set[int]) -> None:
        with self._rt.database.write() as session:
            put_back(session, self._lease.lane_id, ids, utcnow())

    async def _begin(self, cohort: ServedCohort, rows: Sequence[ClaimedRecipient]) -> None:
        """Begin each request at its time; rows that may not begin any more go back."""
        for index, row in enumerate(rows):
            at = await self._next_start(cohort, len(rows) - index)
            if at is not None and at - time.monotonic() > 0.002:
                await asyncio.sleep(at - time.monotonic())
            await self._room.acquire()
            if at is None or not self._may_begin(cohort):
                self._room.release()
                self._put_back_unsent(cohort.campaign, rows[index:])
                return
            task = asyncio.create_task(self._send(cohort, row))
            self._in_flight.add(task)
            task.add_done_callback(self._in_flight.discard)

    async def _next_start(self, cohort: ServedCohort, size: int) -> float | None:
        """When the next of `size` requests may begin. Missed times (a stall, a slow claim) are replaced by a new reservation.

        None if nothing may begin any more or not soon, or Redis is away.
        """
        until, served = time.monotonic() + PATIENCE_SECONDS, cohort.campaign
        while (at := served.timetable.take(time.monotonic())) is None and self._may_begin(cohort):
            try:
                slot = await asyncio.to_thread(self._pace.reserve, served.id, served.per_second, size)
            except RedisError:
                served.is_blocked = True  # nothing is sent without a pace; the next read of the campaigns lifts it
                return None
            served.timetable.add(slot, slot.size)
            if slot.size == 0:
                if time.monotonic() + slot.delay_seconds > until:
                    return None
                await asyncio.sleep(min(0.1, slot.delay_seconds))
        return at

    def _may_begin(self, what: Served | ServedCohort) -> bool:
        return not what.is_blocked and self._may_go_on() and time.monotonic() >= self._side_effects.hold_until

    def _put_back_unsent(self, served: Served, rows: Sequence[ClaimedRecipient]) -> None:
        """Put rows that were claimed and not begun back into the queue."""
        for row in rows:
            self._held.discard(row.id)
            self._recorder.add(served.id, attempt_result(row, NEVER_BEGUN, utcnow()))

    async def _send(self, cohort: ServedCohort, row: ClaimedRecipient) -> None:
        served = cohort.campaign
        try:
            verdict = await self._attempt(cohort, row)
        finally:
            self._room.release()
        if verdict is None:
            self._put_back_unsent(served, [row])
            return
        if verdict.rule is not None:
            self._side_effects.apply(cohort, row, verdict)
        if verdict.falls_back or verdict.code == MARKETING_OFF:
            self._side_effects.doubt_marketing()
        kind = served.guard.add(verdict.kind, verdict.message)
        if kind is not None:
            self._side_effects.stop_failing(served, kind)
        self._held.discard(row.id)
        self._recorder.add(served.id, attempt_result(row, verdict, utcnow()))

    async def _attempt(self, cohort: ServedCohort, row: ClaimedRecipient) -> SendVerdict | None:
        """Send it; None if the lease ran out after the decision to begin (a process was suspended)."""
        try:
            body = cohort.builder.build(
                recipient_id=row.id, attempt=row.attempt, phone=row.phone, bsuid=row.bsuid, values=row.values
            )
        except Exception as error:  # noqa: BLE001 - one recipient's values must not stop the others
            return self._build_failure(error)
        if not self._lease.holds():
            return None
        self.sent += 1
        try:
            body |= row.route.fields
            outcome = await self._client.send(self._number.phone_number_id, self._number.token, body, row.route.path)
        except (
            orjson.JSONEncodeError
        ) as error:  # raised before anything is sent; the client returns Meta's errors as results
            return self._build_failure(error)
        may_fall_back = row.route.may_fall_back
        return judge_send(outcome, row.attempt, row.failures, has_campaign=True, may_fall_back=may_fall_back)

    def _build_failure(self, error: Exception) -> SendVerdict:
        log.error("lane %d: a message could not be put together: %s", self._lease.lane_id, described(error))
        return unsendable(NOT_BUILT(error=type(error).__name__), "unbuilt")

    async def _reach_limit(self, served: Served, lifts_at: datetime) -> None:
        """Pause at the messaging limit, after the rows that were claimed before it."""
        earlier = self._beginning.get(served.id)
        if earlier is not None:
            await earlier
        await self._side_effects.reach_limit(served, lifts_at)

    async def _drain(self, keepers: Sequence[asyncio.Task[None]]) -> None:
        """Finish requests under way, write all results, end the lane. The sweep ends a lane that could not write all."""
        if self._beginning:
            await asyncio.gather(*self._beginning.values())
        if self._in_flight:
            await asyncio.wait(self._in_flight, timeout=REQUEST_TIMEOUT_SECONDS + 0.5)
        await self._side_effects.finish()
        for _ in range(10):
            await self._recorder.flush()
            if self._recorder.is_empty:
                break
            await asyncio.sleep(0.2)
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)
        with contextlib.suppress(RedisError):
            await asyncio.to_thread(self._feed.remember)
        if self._recorder.is_empty and not self._in_flight and not self._lease.is_lost:
            with contextlib.suppress(DBAPIError):
                if self._is_unclear:
                    await self._put_back_unknown()
                await asyncio.to_thread(self._lease.end)
