"""Outcomes on their way into the database: in batches, and kept while the database is away."""

import asyncio
import contextlib
import logging
from dataclasses import replace

from sqlalchemy.exc import SQLAlchemyError

from jobs.core.db_errors import may_be_an_outage
from jobs.core.runtime import Runtime
from models.sending.results import AttemptResult, record_results
from models.stored_texts import ANSWER_NOT_KEPT
from models.tables.recipient import RecipientState

log = logging.getLogger("hark.lane")

FLUSH_SECONDS = 0.2
BATCH = 500


class Recorder:
    """One lane's outcomes. `is_stuck` tells the lane to claim no more."""

    def __init__(self, rt: Runtime, lane_id: int, portfolio_id: int) -> None:
        self._rt = rt
        self._lane_id = lane_id
        self._portfolio_id = portfolio_id
        self._waiting: list[tuple[int, AttemptResult]] = []
        self._enough = asyncio.Event()
        self._writing = asyncio.Lock()
        self.is_stuck = False

    def add(self, campaign_id: int, attempted: AttemptResult) -> None:
        """Take one outcome."""
        self._waiting.append((campaign_id, attempted))
        if len(self._waiting) >= BATCH:
            self._enough.set()

    @property
    def is_empty(self) -> bool:
        """Everything taken was written."""
        return not self._waiting

    @property
    def ids(self) -> set[int]:
        """The recipients whose outcome waits to be written."""
        return {attempted.recipient_id for _, attempted in self._waiting}

    async def keep(self) -> None:
        """Write until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._enough.wait(), FLUSH_SECONDS)
            self._enough.clear()
            await self.flush()

    async def flush(self) -> None:
        """Write what there is; on failure it is kept and `is_stuck` is set until a later try succeeds."""
        async with self._writing:
            if not self._waiting:
                self.is_stuck = False
                return
            batch = self._waiting[: 2 * BATCH]
            try:
                await asyncio.to_thread(self._surely_write, batch)
            except (SQLAlchemyError, OSError) as error:
                if not self.is_stuck:
                    log.warning("lane %d: outcomes wait for the database (%s)", self._lane_id, type(error).__name__)
                self.is_stuck = True
                return
            self.is_stuck = False
            del self._waiting[: len(batch)]

    def _surely_write(self, batch: list[tuple[int, AttemptResult]]) -> None:
        """One outcome that no database takes must not keep the others: it becomes unsure. Raises where the database is away."""
        try:
            self._write(batch)
            return
        except (SQLAlchemyError, ArithmeticError, ValueError) as error:
            if may_be_an_outage(error):
                raise
            log.warning("lane %d: outcomes are written one by one (%s)", self._lane_id, type(error).__name__)
        for campaign_id, attempted in batch:
            try:
                self._write([(campaign_id, attempted)])
            except (SQLAlchemyError, ArithmeticError, ValueError) as error:
                if may_be_an_outage(error):
                    raise
                self._write([(campaign_id, _unreadable(attempted))])

    def _write(self, batch: list[tuple[int, AttemptResult]]) -> None:
        by_campaign: dict[int, list[AttemptResult]] = {}
        for campaign_id, attempted in batch:
            by_campaign.setdefault(campaign_id, []).append(attempted)
        with self._rt.database.write() as session:
            for campaign_id in sorted(by_campaign):
                record_results(session, self._lane_id, campaign_id, self._portfolio_id, by_campaign[campaign_id])


def _unreadable(attempted: AttemptResult) -> AttemptResult:
    return replace(attempted, state=RecipientState.UNSURE, wamid=None, wa_id=None, code=None, message=ANSWER_NOT_KEPT())
