"""The transactions of answering, each for many conversations at once. Plain functions over a runtime, run in threads."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session

from jobs.core.runtime import Runtime
from jobs.replies.chatops import answer_command, wake_change
from jobs.replies.decide import BatchContext, decide, set_aside
from jobs.replies.flow_cache import FlowCache
from jobs.replies.write import begin_waits, settled_waits, write_changes
from models.clock import utcnow
from models.conversations.claim import claim_conversations, keep_conversations, release_conversations, unclaimed_work
from models.conversations.context import ReplyContext, has_input, load_reply_contexts
from models.conversations.outbox import (
    ClaimedMessage,
    MessageResult,
    claim_next,
    numbers_with_due,
    postpone,
    record_sent,
)
from models.errors import HarkError
from models.sending.lease import is_alive
from models.tables.setting import read_setting


class LaneLostError(HarkError):
    """The sweep gave this sender's lane up: it may claim nothing more."""


class NextStep(NamedTuple):
    """What comes next in a conversation. Released means that nothing does, or that it is not ours any more."""

    has_input: bool
    number_id: int | None
    is_released: bool


class ClaimResult(NamedTuple):
    """The claimed message, if there was one to claim."""

    claimed: ClaimedMessage | None
    next: NextStep


@dataclass(slots=True)
class ReplyStore:
    """What a claimant does with its conversations. `lane_id` is asked for when something is claimed or recorded."""

    rt: Runtime
    claimant: str
    shelf: FlowCache

    def find(self, limit: int) -> list[int]:
        """Claim conversations in which something waits."""
        now = utcnow()
        with self.rt.database.read() as session:
            ids = unclaimed_work(session, now, limit)
        if not ids:
            return []
        with self.rt.database.write() as session:
            return claim_conversations(session, ids, self.claimant, now)

    def handle(self, items: Mapping[Hashable, None]) -> dict[Hashable, NextStep]:
        """Answer what comes first in each conversation: decided from one reading, written in one transaction."""
        ids = [int(str(key)) for key in items]
        now = utcnow()
        with self.rt.database.read() as session:
            situations = load_reply_contexts(session, ids, now)
            known = self._known(session, situations.values())
            changes = [change for each in situations.values() if (change := decide(each, known, now)) is not None]
            for change in changes:
                if change.command is not None:
                    change.messages += [
                        (body, None)
                        for body in answer_command(session, change.command, change.situation.staff or "", now)
                    ]
        with self.rt.database.write() as session:
            ours = set(keep_conversations(session, ids, self.claimant, now))
            write_changes(session, [each for each in changes if each.situation.conversation_id in ours], now)
            following = self._next(session, ids, ours, now)
        for change in changes:
            if change.command is not None and change.situation.conversation_id in ours:
                wake_change(self.rt, change)
        return following

    def give_up(self, key: int, why: str) -> NextStep:
        """Put away what comes first in a conversation: its answer cannot be written, however often it is tried."""
        now = utcnow()
        with self.rt.database.write() as session:
            ours = set(keep_conversations(session, [key], self.claimant, now))
            situation = load_reply_contexts(session, [key], now).get(key)
            if situation is not None and ours:
                write_changes(session, [set_aside(situation, why)], now)
            return self._next(session, [key], ours, now)[key]

    def claim(self, items: Mapping[Hashable, int]) -> dict[Hashable, ClaimResult]:
        """Claim the next message of each conversation for the lane that stands with it."""
        ids = [int(str(key)) for key in items]
        now = utcnow()
        with self.rt.database.write() as session:
            for lane_id in set(items.values()):
                if not is_alive(session, lane_id):
                    raise LaneLostError
            ours = set(keep_conversations(session, ids, self.claimant, now))
            claimed: dict[int, ClaimedMessage] = {}
            for lane_id in sorted(set(items.values())):
                mine = [key for key in ids if key in ours and items[key] == lane_id]
                claimed.update(claim_next(session, mine, lane_id, now))
            rest = [key for key in ids if key not in claimed]
            nexts = self._next(session, rest, ours, now)
            going_on = NextStep(False, None, False)
            return {key: ClaimResult(claimed.get(key), nexts.get(key, going_on)) for key in ids}

    def record(self, items: Mapping[Hashable, tuple[int, MessageResult]]) -> dict[Hashable, NextStep]:
        """Write outcomes, whoever holds the conversation by now: what left has left."""
        ids = [int(str(key)) for key in items]
        now = utcnow()
        with self.rt.database.write() as session:
            for lane_id in sorted({lane_id for lane_id, _ in items.values()}):
                record_sent(session, lane_id, [sent for lane, sent in items.values() if lane == lane_id])
            waits = settled_waits(session, [sent.message_id for _, sent in items.values()])
            begin_waits(session, waits, now)
            ours = set(keep_conversations(session, ids, self.claimant, now))
            return self._next(session, ids, ours, now)

    def postpone(self, items: Mapping[Hashable, float]) -> dict[Hashable, NextStep]:
        """Let the next message wait for so many seconds."""
        ids = [int(str(key)) for key in items]
        now = utcnow()
        with self.rt.database.write() as session:
            ours = set(keep_conversations(session, ids, self.claimant, now))
            for key in ours:
                postpone(session, [key], now + timedelta(seconds=items[key]))
            return self._next(session, ids, ours, now)

    def release(self, ids: Iterable[int]) -> None:
        """Give conversations back."""
        with self.rt.database.write() as session:
            release_conversations(session, ids, self.claimant)

    def _known(self, session: Session, situations: Iterable[ReplyContext]) -> BatchContext:
        self.shelf.refresh(session, [each.live.flow_version_id for each in situations if each.live])
        return BatchContext(
            shelf=self.shelf,
            default_country=self.rt.settings.default_country,
            stop_answer=str(read_setting(session, "stop_answer")),
            start_answer=str(read_setting(session, "start_answer")),
        )

    def _next(self, session: Session, ids: list[int], ours: set[int], now: datetime) -> dict[Hashable, NextStep]:
        """Asked at the end of each transaction; where nothing waits any more the conversation is given back with it."""
        if not ids:
            return {}
        mine = [key for key in ids if key in ours]
        waiting = has_input(session, mine, now)
        numbers = numbers_with_due(session, mine, now)
        idle = [key for key in mine if key not in waiting and key not in numbers]
        release_conversations(session, idle, self.claimant)
        over = {key for key in ids if key not in ours} | set(idle)
        return {key: NextStep(key in waiting, numbers.get(key), key in over) for key in ids}
