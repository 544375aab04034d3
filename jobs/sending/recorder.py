"""Writes the results of sends to the database in batches, and keeps them in memory while the database is away."""

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
    """Buffers and writes one lane's results. While `is_stuck` the lane must claim no more."""

    def __init__(self, rt: Runtime, lane_id: int, portfolio_id: int) -> None:
        self._rt = rt
        self._lane_id = lane_id
        self._portfolio_id = portfolio_id
        self._buffer: list[tuple[int, AttemptResult]] = []
        self._batch_full = asyncio.Event()
        self._writing = asyncio.Lock()
        self.is_stuck = False

    def add(self, campaign_id: int, result: AttemptResult) -> None:
        """Buffer one result."""
        self._buffer.append((campaign_id, result))
        if len(self._buffer) >= BATCH:
            self._batch_full.set()

    @property
    def is_empty(self) -> bool:
        """Whether every buffered result was written."""
        return not self._buffer

    @property
    def ids(self) -> set[int]:
        """The ids of recipients whose result is not written yet."""
        return {result.recipient_id for _, result in self._buffer}

    async def keep(self) -> None:
        """Flush every FLUSH_SECONDS, or when a batch is full, until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._batch_full.wait(), FLUSH_SECONDS)
            self._batch_full.clear()
            await self.flush()

    async def flush(self) -> None:
        """Write the buffered results. If that fails they are kept, and `is_stuck` is set until a later flush succeeds."""
        async with self._writing:
            if not self._buffer:
                self.is_stuck = False
                return
            batch = self._buffer[: 2 * BATCH]
            try:
                await asyncio.to_thread(self._write_or_isolate, batch)
            except (SQLAlchemyError, OSError) as error:
                if not self.is_stuck:
                    log.warning("lane %d: outcomes wait for the database (%s)", self._lane_id, type(error).__name__)
                self.is_stuck = True
                return
            self.is_stuck = False
            del self._buffer[: len(batch)]

    def _write_or_isolate(self, batch: list[tuple[int, AttemptResult]]) -> None:
        """Write a batch. A result that the database refuses must not block the others: it is written as UNSURE.

        Raises SQLAlchemyError or OSError if the database is away.
        """
        try:
            self._write(batch)
            return
        except (SQLAlchemyError, ArithmeticError, ValueError) as error:
            if may_be_an_outage(error):
                raise
            log.warning("lane %d: outcomes are written one by one (%s)", self._lane_id, type(error).__name__)
        for campaign_id, result in batch:
            try:
                self._write([(campaign_id, result)])
            except (SQLAlchemyError, ArithmeticError, ValueError) as error:
                if may_be_an_outage(error):
                    raise
                self._write([(campaign_id, _as_unsure(result))])

    def _write(self, batch: list[tuple[int, AttemptResult]]) -> None:
        by_campaign: dict[int, list[AttemptResult]] = {}
        for campaign_id, result in batch:
            by_campaign.setdefault(campaign_id, []).append(result)
        with self._rt.database.write() as session:
            for campaign_id in sorted(by_campaign):
                record_results(session, self._lane_id, campaign_id, self._portfolio_id, by_campaign[campaign_id])


def _as_unsure(result: AttemptResult) -> AttemptResult:
    return replace(result, state=RecipientState.UNSURE, wamid=None, wa_id=None, code=None, message=ANSWER_NOT_KEPT())
