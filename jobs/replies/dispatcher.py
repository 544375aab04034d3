"""Runs the event loop that answers up to 192 conversations at once; one per thread of a worker.

    lease a conversation → decide and write the reply → wait for the number's rate → claim the message (committed) → send → record

Within a conversation the steps run in order, one at a time. Across conversations the same step of many shares one transaction
(jobs.core.group_commit).
"""

import asyncio
import contextlib
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

import uvloop
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from bot.meta.client import GraphClient
from bot.meta.error_codes import ErrorAction, ErrorRule
from bot.outbound.client import OutboundHttpClient
from jobs.core.group_commit import GroupCommit
from jobs.core.logs import described
from jobs.core.runtime import Runtime
from jobs.core.shutdown import SHUTDOWN
from jobs.replies.flow_cache import FlowCache
from jobs.replies.http_calls import HttpCaller
from jobs.replies.lane import ReplyLane
from jobs.replies.pair_limit import PairLimit
from jobs.replies.rate import RateLimiterClosedError, ReplyRateLimiter
from jobs.replies.send import judge_reply, message_result, send_message
from jobs.replies.store import LaneLostError, NextStep, ReplyStore
from jobs.replies.write import StaleSessionError
from jobs.sending.effects import hold_number, stop_number
from jobs.sending.judge import NEVER_BEGUN, SendVerdict
from jobs.sending.lease import Lease
from models.clock import utcnow
from models.conversations.flow_http_calls import HttpCall
from models.conversations.outbox import ClaimedMessage
from models.crypto import WrongKeyError, new_token
from models.sending.number_rate import number_rate
from models.stored_texts import REFUSED
from models.tables.number import Number
from models.text import Text

log = logging.getLogger("hark.answer")

MAX_AT_ONCE = 192
MAX_PER_ANSWER = 48
"""Conversations in one transaction of replies, which then stays well under 50 ms."""
LOOK_AGAIN_SECONDS = 0.1
GATHER_SECONDS = 0.02
CALLS_AT_ONCE = 20
PATIENCE_SECONDS = 2.0
RECORD_PATIENCE_SECONDS = 60.0
CROWDED_SECONDS = 2.0
RATE_MAX_AGE_SECONDS = 1.0
WRONG_KEY_PAUSE_SECONDS = 60.0
THREADS = 4

Value = TypeVar("Value")


class ReplyDispatcher:
    """Answers conversations. Its worker keeps it over many jobs, with its event loop, connections, lane and parsed flows."""

    def __init__(
        self, rt: Runtime, client: GraphClient | None = None, outside: OutboundHttpClient | None = None
    ) -> None:
        self.rt = rt
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="replies")
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self._client = client
        name = f"{socket.gethostname()[:30]}:{os.getpid()}:{new_token(6)}"
        self._store = store = ReplyStore(rt, name, FlowCache())
        pool, patience = self._executor, PATIENCE_SECONDS
        again = (DBAPIError, StaleSessionError)
        self._handle = GroupCommit(store.handle, pool, most=MAX_PER_ANSWER, patience_seconds=patience, again=again)
        self._claim = GroupCommit(store.claim, pool, patience_seconds=patience)
        self._postpone = GroupCommit(store.postpone, pool, patience_seconds=patience)
        self._record = GroupCommit(store.record, pool, patience_seconds=RECORD_PATIENCE_SECONDS)
        self._pair = PairLimit(rt.redis)
        self._limiters: dict[int, ReplyRateLimiter] = {}
        self._rates_read_at: dict[int, float] = {}
        self._limiters_lock = threading.Lock()
        self._tokens: dict[str, str] = {}
        self._lane = ReplyLane(rt, self._executor)
        self._http_calls = HttpCaller(rt, self._executor, outside)
        self._is_halted = False
        self._is_clean = True
        self.sent = 0

    def drain(self, seconds: float) -> bool:
        """Answer until nothing waits or `seconds` have passed. True if work may still wait and a new job is needed."""
        return self._runner.run(self._drain(seconds))

    def close(self) -> None:
        """Close connections, event loop and threads."""
        if self._client is not None:
            self._runner.run(self._client.close())
        self._runner.run(self._http_calls.close())
        self._runner.close()
        self._executor.shutdown()

    # ---- conversations --------------------------------------------------------------------------------------------

    async def _drain(self, seconds: float) -> bool:
        self._is_halted, self._is_clean = False, True
        self._limiters.clear()
        until = time.monotonic() + seconds
        conversations: set[asyncio.Task[None]] = set()
        calls: set[asyncio.Task[None]] = set()
        if await self._in_thread(self._store.must_wait):
            return False
        try:
            while self._may_begin() and time.monotonic() < until:
                conversations |= {
                    asyncio.create_task(self._answer_conversation(key))
                    for key in await self._lease_conversations(len(conversations))
                }
                calls |= {
                    asyncio.create_task(self._http_calls.make(call)) for call in await self._claim_calls(len(calls))
                }
                tasks = conversations | calls
                if not tasks:
                    return False
                done, _ = await asyncio.wait(tasks, timeout=LOOK_AGAIN_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                conversations, calls = conversations - done, calls - done
                await asyncio.sleep(GATHER_SECONDS)  # conversations that end together are replaced together
            return self._may_begin()
        finally:
            self._is_halted = True
            await self._finish(conversations, calls)

    async def _lease_conversations(self, busy: int) -> list[int]:
        if busy >= MAX_AT_ONCE:
            return []
        return await self._in_thread(lambda: self._store.find(MAX_AT_ONCE - busy))

    async def _claim_calls(self, busy: int) -> list[HttpCall]:
        if busy >= CALLS_AT_ONCE:
            return []
        return await self._in_thread(lambda: self._http_calls.claim(CALLS_AT_ONCE - busy))

    async def _finish(self, conversations: set[asyncio.Task[None]], calls: set[asyncio.Task[None]]) -> None:
        """Wait for all tasks. At a shutdown calls are cancelled, and another process makes them again."""
        for limiter in self._limiters.values():
            limiter.close()
        if SHUTDOWN.is_set():
            for call in calls:
                call.cancel()
        if conversations | calls:
            await asyncio.wait(conversations | calls)
        await self._lane.rest(is_clean=self._is_clean)

    def _may_begin(self) -> bool:
        return not self._is_halted and not SHUTDOWN.is_set()

    async def _answer_conversation(self, key: int) -> None:
        """Answer one conversation until nothing waits in it. After an unknown error its lease runs out, which delays the retry."""
        try:
            await self._serve(key)
        except RedisError as error:
            self._halt(f"Redis is away ({type(error).__name__})")
            await self._release(key)
        except RateLimiterClosedError:
            await self._release(key)
        except LaneLostError:
            self._is_clean = False
            self._halt("this sender's lane was given up")
        except (OperationalError, InterfaceError) as error:
            self._halt(f"the database is away ({type(error).__name__})")
            await self._release(key)
        except Exception as error:  # noqa: BLE001 - an error in one conversation must not stop the others
            log.error("conversation %d: %s", key, described(error))  # noqa: TRY400

    async def _serve(self, key: int) -> None:
        step = NextStep(True, None, False)
        while not step.is_released:
            if not self._may_begin():
                await self._release(key)
                return
            if step.has_input or step.number_id is None:
                step = await self._handle_or_give_up(key)
            else:
                step = await self._send_next(key, step.number_id)

    async def _handle_or_give_up(self, key: int) -> NextStep:
        try:
            return await self._handle(key, None)
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:  # noqa: BLE001 - a reply that cannot be written must not block the next one
            reason = described(error)
            log.error("conversation %d: its answer could not be written: %s", key, reason)  # noqa: TRY400
            return await self._in_thread(lambda: self._store.give_up(key, reason))

    async def _send_next(self, key: int, number_id: int) -> NextStep:
        limiter = await self._in_thread(lambda: self._limiter_of(number_id))
        if limiter.is_crowded:
            return await self._postpone(key, CROWDED_SECONDS)
        wait = await self._in_thread(lambda: self._pair.wait_seconds(key))
        if wait > 0:
            return await self._postpone(key, wait)
        await limiter.take()
        lease = await self._lane.lease()
        claim = await self._claim(key, lease.lane_id)
        if claim.claimed is None:
            return claim.next
        try:
            return await self._send(key, claim.claimed, lease, limiter)
        except BaseException:
            self._is_clean = False  # the row's state is unknown: the lane is left to the sweep
            raise

    async def _send(self, key: int, claimed: ClaimedMessage, lease: Lease, limiter: ReplyRateLimiter) -> NextStep:
        if not lease.holds() or SHUTDOWN.is_set():
            self._is_halted = True
            return await self._record(key, (lease.lane_id, message_result(claimed, NEVER_BEGUN, utcnow())))
        try:
            token = self._token(claimed)
        except WrongKeyError as error:
            log.error("number %d: %s", claimed.number_id, error)  # noqa: TRY400 - one line, no traceback
            later = replace(NEVER_BEGUN, delay_seconds=WRONG_KEY_PAUSE_SECONDS)
            return await self._record(key, (lease.lane_id, message_result(claimed, later, utcnow())))
        outcome = await send_message(self._graph(), self.rt.installation, token, claimed)
        self.sent += 1
        verdict, now = judge_reply(claimed, outcome), utcnow()
        if verdict.rule is not None:
            rule = verdict.rule
            try:
                await self._in_thread(lambda: self._act(rule, claimed, verdict, limiter))
            except (RedisError, DBAPIError) as error:  # the message's result must be recorded all the same
                self._halt(f"what code {verdict.code} asks for could not be done ({type(error).__name__})")
        return await self._record(key, (lease.lane_id, message_result(claimed, verdict, now)))

    async def _release(self, key: int) -> None:
        with contextlib.suppress(DBAPIError):  # its lease runs out by itself
            await self._in_thread(lambda: self._store.release([key]))

    # ---- helpers --------------------------------------------------------------------------------------------------

    def _act(self, rule: ErrorRule, claimed: ClaimedMessage, verdict: SendVerdict, limiter: ReplyRateLimiter) -> None:
        """Apply the side effects of a refusal: slow the number down, hold it, or stop it."""
        match rule.action:
            case ErrorAction.THROTTLE:
                limiter.slow_down()
            case ErrorAction.HOLD:
                hold_number(self.rt, claimed.number_id, verdict.delay_seconds, utcnow())
            case ErrorAction.STOP:
                stop_number(
                    self.rt, claimed.number_id, rule, verdict.message or REFUSED(text=Text(rule.text)), utcnow()
                )

    def _graph(self) -> GraphClient:
        if self._client is None:
            self._client = GraphClient(self.rt.settings.graph_api_url, self.rt.settings.graph_api_version)
        return self._client

    def _token(self, claimed: ClaimedMessage) -> str:
        """The access token in clear text, cached by its ciphertext: decrypting costs more than sending."""
        token = self._tokens.get(claimed.access_token)
        if token is None:
            token = self._tokens[claimed.access_token] = self.rt.vault.decrypt(claimed.access_token)
        return token

    def _limiter_of(self, number_id: int) -> ReplyRateLimiter:
        """The number's limiter, with its rate read again each RATE_MAX_AGE_SECONDS: Meta or an operator may change it."""
        with self._limiters_lock:  # one object for each number, whichever thread asks first
            limiter, now = self._limiters.get(number_id), time.monotonic()
            if limiter is not None and now - self._rates_read_at[number_id] < RATE_MAX_AGE_SECONDS:
                return limiter
            with self.rt.database.read() as session:
                rate = number_rate(session.get_one(Number, number_id))
            if limiter is None:
                limiter = self._limiters[number_id] = ReplyRateLimiter(self.rt.redis, number_id, rate, self._executor)
            limiter.set_rate(rate)
            self._rates_read_at[number_id] = now
            return limiter

    def _halt(self, why: str) -> None:
        if not self._is_halted:
            log.warning("no more answers for now: %s", why)
        self._is_halted = True

    async def _in_thread(self, work: Callable[[], Value]) -> Value:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)
