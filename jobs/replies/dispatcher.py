"""The desk of one process: it takes conversations in which something waits and sees each one through, many at once.

    claim a conversation → decide and write the answer → a turn of the number's rate → claim the message (committed) → send → record

Within a conversation everything goes in order and one at a time; across conversations each step shares its transaction with
whoever takes the same step at that moment (jobs.core.group_commit).
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
from bot.outbound_http import OutboundHttpClient
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
from models.tables.number import Number

log = logging.getLogger("hark.answer")

MAX_AT_ONCE = 192
MAX_PER_ANSWER = 48
"""Conversations in one transaction of answers: it stays well under 50 ms."""
LOOK_AGAIN_SECONDS = 0.1
GATHER_SECONDS = 0.02
CALLS_AT_ONCE = 20
PATIENCE_SECONDS = 2.0
RECORD_PATIENCE_SECONDS = 60.0
CROWDED_SECONDS = 2.0
WRONG_KEY_PAUSE_SECONDS = 60.0
THREADS = 4

Value = TypeVar("Value")


class ReplyDispatcher:
    """Kept by its process over many jobs, with its event loop, connections, lane and parsed flows."""

    def __init__(
        self, rt: Runtime, client: GraphClient | None = None, outside: OutboundHttpClient | None = None
    ) -> None:
        self.rt = rt
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="desk")
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
        self._turns: dict[int, ReplyRateLimiter] = {}
        self._turns_lock = threading.Lock()
        self._tokens: dict[str, str] = {}
        self._lane = ReplyLane(rt, self._executor)
        self._callouts = HttpCaller(rt, self._executor, outside)
        self._is_halted = False
        self._is_clean = True
        self.sent = 0

    def drain(self, seconds: float) -> bool:
        """Answer until nothing waits; True where the time was over before that."""
        return self._runner.run(self._drain(seconds))

    def close(self) -> None:
        """Give everything back."""
        if self._client is not None:
            self._runner.run(self._client.close())
        self._runner.run(self._callouts.close())
        self._runner.close()
        self._executor.shutdown()

    # ---- the desk -------------------------------------------------------------------------------------------------

    async def _drain(self, seconds: float) -> bool:
        self._is_halted, self._is_clean = False, True
        self._turns.clear()  # a number's rate may have been changed
        until = time.monotonic() + seconds
        talks: set[asyncio.Task[None]] = set()
        calls: set[asyncio.Task[None]] = set()
        try:
            while self._may_begin() and time.monotonic() < until:
                talks |= {asyncio.create_task(self._see_through(key)) for key in await self._find(len(talks))}
                calls |= {asyncio.create_task(self._callouts.make(call)) for call in await self._calls(len(calls))}
                busy = talks | calls
                if not busy:
                    return False
                done, _ = await asyncio.wait(busy, timeout=LOOK_AGAIN_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                talks, calls = talks - done, calls - done
                await asyncio.sleep(GATHER_SECONDS)  # those that end together make room together
            return self._may_begin()
        finally:
            self._is_halted = True
            await self._finish(talks, calls)

    async def _find(self, busy: int) -> list[int]:
        if busy >= MAX_AT_ONCE:
            return []
        return await self._in_thread(lambda: self._store.find(MAX_AT_ONCE - busy))

    async def _calls(self, busy: int) -> list[HttpCall]:
        if busy >= CALLS_AT_ONCE:
            return []
        return await self._in_thread(lambda: self._callouts.claim(CALLS_AT_ONCE - busy))

    async def _finish(self, talks: set[asyncio.Task[None]], calls: set[asyncio.Task[None]]) -> None:
        """Nothing is left under way; calls are broken off where the process is to stop, and made again by another."""
        for turns in self._turns.values():
            turns.close()
        if SHUTDOWN.is_set():
            for call in calls:
                call.cancel()
        if talks | calls:
            await asyncio.wait(talks | calls)
        await self._lane.rest(is_clean=self._is_clean)

    def _may_begin(self) -> bool:
        return not self._is_halted and not SHUTDOWN.is_set()

    async def _see_through(self, key: int) -> None:
        """One conversation, until nothing waits in it. After an error its claim is left to run out: that is the pause."""
        try:
            await self._serve(key)
        except RedisError as error:
            self._halt(f"Redis is away ({type(error).__name__})")
            await self._let_go(key)
        except RateLimiterClosedError:
            await self._let_go(key)
        except LaneLostError:
            self._is_clean = False
            self._halt("this sender's lane was given up")
        except (OperationalError, InterfaceError) as error:
            self._halt(f"the database is away ({type(error).__name__})")
            await self._let_go(key)
        except Exception as error:  # noqa: BLE001 - one conversation must not take the others along
            log.error("conversation %d: %s", key, described(error))  # noqa: TRY400

    async def _serve(self, key: int) -> None:
        following = NextStep(True, None, False)
        while not following.is_released:
            if not self._may_begin():
                await self._let_go(key)
                return
            if following.has_input or following.number_id is None:
                following = await self._handle_or_give_up(key)
            else:
                following = await self._send_next(key, following.number_id)

    async def _handle_or_give_up(self, key: int) -> NextStep:
        try:
            return await self._handle(key, None)
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:  # noqa: BLE001 - what cannot be written must not stand before what comes after
            why = described(error)
            log.error("conversation %d: its answer could not be written: %s", key, why)  # noqa: TRY400
            return await self._in_thread(lambda: self._store.give_up(key, why))

    async def _send_next(self, key: int, number_id: int) -> NextStep:
        turns = await self._in_thread(lambda: self._turns_of(number_id))
        if turns.is_crowded:
            return await self._postpone(key, CROWDED_SECONDS)
        wait = await self._in_thread(lambda: self._pair.wait_seconds(key))
        if wait > 0:
            return await self._postpone(key, wait)
        await turns.take()
        lease = await self._lane.lease()
        taken = await self._claim(key, lease.lane_id)
        if taken.claimed is None:
            return taken.next
        try:
            return await self._send(key, taken.claimed, lease, turns)
        except BaseException:
            self._is_clean = False  # what its row says is open: the lane is left to the sweep
            raise

    async def _send(self, key: int, claimed: ClaimedMessage, lease: Lease, turns: ReplyRateLimiter) -> NextStep:
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
                await self._in_thread(lambda: self._act(rule, claimed, verdict, turns))
            except (RedisError, DBAPIError) as error:  # what became of the message must be written all the same
                self._halt(f"what code {verdict.code} asks for could not be done ({type(error).__name__})")
        return await self._record(key, (lease.lane_id, message_result(claimed, verdict, now)))

    async def _let_go(self, key: int) -> None:
        with contextlib.suppress(DBAPIError):  # its lease runs out by itself
            await self._in_thread(lambda: self._store.release([key]))

    # ---- what it takes --------------------------------------------------------------------------------------------

    def _act(self, rule: ErrorRule, claimed: ClaimedMessage, verdict: SendVerdict, turns: ReplyRateLimiter) -> None:
        """What a refusal does beyond its row."""
        match rule.action:
            case ErrorAction.THROTTLE:
                turns.slow_down()
            case ErrorAction.HOLD:
                hold_number(self.rt, claimed.number_id, verdict.delay_seconds, utcnow())
            case ErrorAction.STOP:
                stop_number(self.rt, claimed.number_id, rule, verdict.message or rule.text, utcnow())

    def _graph(self) -> GraphClient:
        if self._client is None:
            self._client = GraphClient(self.rt.settings.graph_api_url, self.rt.settings.graph_api_version)
        return self._client

    def _token(self, claimed: ClaimedMessage) -> str:
        """In clear, kept by its ciphertext: decrypting costs more than sending."""
        token = self._tokens.get(claimed.access_token)
        if token is None:
            token = self._tokens[claimed.access_token] = self.rt.vault.decrypt(claimed.access_token)
        return token

    def _turns_of(self, number_id: int) -> ReplyRateLimiter:
        with self._turns_lock:  # one object for each number, whichever thread asks first
            if number_id not in self._turns:
                with self.rt.database.read() as session:
                    rate = session.get_one(Number, number_id).messages_per_second
                self._turns[number_id] = ReplyRateLimiter(self.rt.redis, number_id, rate, self._executor)
            return self._turns[number_id]

    def _halt(self, why: str) -> None:
        if not self._is_halted:
            log.warning("no more answers for now: %s", why)
        self._is_halted = True

    async def _in_thread(self, work: Callable[[], Value]) -> Value:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)
