"""Runs the transactions of answering, each for many conversations at once. The dispatcher calls them in threads."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from redis.exceptions import RedisError
from sqlalchemy.orm import Session

from jobs.core.runtime import Runtime
from jobs.replies.answer_prices import AnswerPrices
from jobs.replies.chatops import answer_command, enqueue_change
from jobs.replies.decide import BatchContext, decide, failed_plan
from jobs.replies.flow_cache import FlowCache
from jobs.replies.write import begin_waits, settled_waits, write_plans
from jobs.restore.watch import may_send
from models.clock import utcnow
from models.conversations.claim import claim_conversations, keep_conversations, release_conversations, unclaimed_work
from models.conversations.context import ReplyContext, has_input, load_reply_contexts
from models.conversations.control import NOT_THE_OWNER, note_answered, note_refused
from models.conversations.outbox import (
    ClaimedMessage,
    MessageResult,
    claim_next,
    numbers_with_due,
    postpone,
    record_sent,
)
from models.errors import HarkError
from models.restore.hold import is_held
from models.sending.epoch import raise_epoch
from models.sending.lease import is_alive
from models.tables.conversation import MessageState
from models.tables.setting import read_setting


class LaneLostError(HarkError):
    """The sweep expired this lane: it may claim nothing more."""


class NextStep(NamedTuple):
    """What comes next in a conversation.

    `has_input`: an input waits for its reply. `number_id`: the number whose next message is due. `is_released`: nothing waits, or
    the lease was lost.
    """

    has_input: bool
    number_id: int | None
    is_released: bool


class ClaimResult(NamedTuple):
    """The claimed message, None if there was none to claim, and what comes next in the conversation."""

    claimed: ClaimedMessage | None
    next: NextStep


@dataclass(slots=True)
class ReplyStore:
    """The transactions of one claimant with the conversations that it leased. Results are by conversation id."""

    rt: Runtime
    claimant: str
    flows: FlowCache
    prices: AnswerPrices = field(default_factory=AnswerPrices)

    def must_wait(self) -> bool:
        """Whether nothing is answered because the database was put back from a copy."""
        with self.rt.database.read() as session:
            return is_held(session)

    def find(self, limit: int) -> list[int]:
        """Lease up to `limit` conversations in which work waits; returns their ids."""
        now = utcnow()
        with self.rt.database.read() as session:
            ids = unclaimed_work(session, now, limit)
        if not ids:
            return []
        with self.rt.database.write() as session:
            return claim_conversations(session, ids, self.claimant, now)

    def handle(self, items: Mapping[Hashable, None]) -> dict[Hashable, NextStep]:
        """Answer the first input of each conversation: all are decided from one read and written in one transaction.

        Raises StaleSessionError if a session, a message, a case or a responder changed since the read: then nothing was written.
        """
        ids = [int(str(key)) for key in items]
        now = utcnow()
        with self.rt.database.read() as session:
            contexts = load_reply_contexts(session, ids, now)
            batch = self._batch_context(session, contexts.values())
            plans = [plan for each in contexts.values() if (plan := decide(each, batch, now)) is not None]
            for plan in plans:
                if plan.command is not None:
                    plan.messages += [
                        (body, None) for body in answer_command(session, plan.command, plan.context.staff or "", now)
                    ]
        with self.rt.database.write() as session:
            ours = set(keep_conversations(session, ids, self.claimant, now))
            write_plans(session, [each for each in plans if each.context.conversation_id in ours], now)
            next_steps = self._next(session, ids, ours, now)
        for plan in plans:
            if plan.command is not None and plan.context.conversation_id in ours:
                enqueue_change(self.rt, plan)
        return next_steps

    def give_up(self, key: int, reason: str) -> NextStep:
        """Mark the first input of a conversation as failed, because its reply can never be written."""
        now = utcnow()
        with self.rt.database.write() as session:
            ours = set(keep_conversations(session, [key], self.claimant, now))
            context = load_reply_contexts(session, [key], now).get(key)
            if context is not None and ours:
                write_plans(session, [failed_plan(context, reason)], now)
            return self._next(session, [key], ours, now)[key]

    def claim(self, items: Mapping[Hashable, int]) -> dict[Hashable, ClaimResult]:
        """Claim the next message of each conversation for the lane whose id is its value in `items`.

        Raises LaneLostError if one of the lanes was expired, and nothing was claimed; or if the database was put back from a
        copy, or Redis is away so that nobody knows: then the sweep settles what was claimed.
        """
        ids = [int(str(key)) for key in items]
        now = utcnow()
        with self.rt.database.write() as session:
            for lane_id in set(items.values()):
                if not is_alive(session, lane_id):
                    raise LaneLostError
            ours = set(keep_conversations(session, ids, self.claimant, now))
            claimed: dict[int, ClaimedMessage] = {}
            for lane_id in sorted(set(items.values())):
                lane_keys = [key for key in ids if key in ours and items[key] == lane_id]
                claimed.update(claim_next(session, lane_keys, lane_id, now))
            rest = [key for key in ids if key not in claimed]
            nexts = self._next(session, rest, ours, now)
            continues = NextStep(False, None, False)
            epoch = raise_epoch(session) if claimed else 0
        if claimed:
            self._check_epoch(epoch)
        return {key: ClaimResult(claimed.get(key), nexts.get(key, continues)) for key in ids}

    def _check_epoch(self, epoch: int) -> None:
        try:
            if may_send(self.rt, epoch):
                return
        except RedisError as error:
            raise LaneLostError from error
        raise LaneLostError

    def record(self, items: Mapping[Hashable, tuple[int, MessageResult]]) -> dict[Hashable, NextStep]:
        """Record each (lane id, result), whoever leases the conversation by now: the request was made."""
        ids = [int(str(key)) for key in items]
        now = utcnow()
        with self.rt.database.write() as session:
            for lane_id in sorted({lane_id for lane_id, _ in items.values()}):
                record_sent(session, lane_id, [sent for lane, sent in items.values() if lane == lane_id])
            note_answered(
                session, [sent.message_id for _, sent in items.values() if sent.state is MessageState.ACCEPTED]
            )
            note_refused(
                session, [sent.message_id for _, sent in items.values() if sent.error_code == NOT_THE_OWNER], now
            )
            waits = settled_waits(session, [sent.message_id for _, sent in items.values()])
            begin_waits(session, waits, now)
            ours = set(keep_conversations(session, ids, self.claimant, now))
            return self._next(session, ids, ours, now)

    def postpone(self, items: Mapping[Hashable, float]) -> dict[Hashable, NextStep]:
        """Delay the next message of each conversation by so many seconds."""
        ids = [int(str(key)) for key in items]
        now = utcnow()
        with self.rt.database.write() as session:
            ours = set(keep_conversations(session, ids, self.claimant, now))
            for key in ours:
                postpone(session, [key], now + timedelta(seconds=items[key]))
            return self._next(session, ids, ours, now)

    def release(self, ids: Iterable[int]) -> None:
        """End the leases of these conversations."""
        with self.rt.database.write() as session:
            release_conversations(session, ids, self.claimant)

    def _batch_context(self, session: Session, contexts: Iterable[ReplyContext]) -> BatchContext:
        self.flows.refresh(session, [each.live.flow_version_id for each in contexts if each.live])
        if self.flows.has_money_budgets:
            self.prices.refresh(session)
        return BatchContext(
            flows=self.flows,
            default_country=self.rt.settings.default_country,
            stop_answer=str(read_setting(session, "stop_answer")),
            start_answer=str(read_setting(session, "start_answer")),
            prices=self.prices,
        )

    def _next(self, session: Session, ids: list[int], ours: set[int], now: datetime) -> dict[Hashable, NextStep]:
        """What comes next, at the end of each transaction, which also releases the conversations in which nothing waits."""
        if not ids:
            return {}
        mine = [key for key in ids if key in ours]
        waiting = has_input(session, mine, now)
        numbers = numbers_with_due(session, mine, now)
        idle = [key for key in mine if key not in waiting and key not in numbers]
        release_conversations(session, idle, self.claimant)
        over = {key for key in ids if key not in ours} | set(idle)
        return {key: NextStep(key in waiting, numbers.get(key), key in over) for key in ids}
