"""Keeps the lane of a reply dispatcher: opened with the first message to send, ended between jobs, reopened by the next one."""

import asyncio
import contextlib
import os
import socket
import time
from concurrent.futures import Executor

from sqlalchemy.orm import Session

from jobs.core.runtime import Runtime
from jobs.replies.store import LaneLostError
from jobs.restore.watch import open_guarded
from jobs.sending.lease import Lease
from models.sending.lease import open_lane, resume_lane


class ReplyLane:
    """A lane without a number, since it sends for all numbers. It keeps its id from job to job."""

    def __init__(self, rt: Runtime, executor: Executor) -> None:
        self._rt = rt
        self._executor = executor
        self._lane_id: int | None = None
        self._lease: Lease | None = None
        self._beating: asyncio.Task[None] | None = None
        self._opening = asyncio.Lock()

    async def lease(self) -> Lease:
        """The current lease; a new one if there was none, or if the last one was lost.

        Raises LaneLostError if the database was put back from a copy: everything waits then. Raises RedisError or OSError if the
        copies of its epoch cannot be written.
        """
        async with self._opening:
            if self._lease is None or self._lease.is_lost:
                started_at = time.monotonic()
                lane_id = await asyncio.get_running_loop().run_in_executor(self._executor, self._open)
                self._lease = Lease(self._rt, lane_id, started_at)
                self._beating = asyncio.create_task(self._lease.keep())
            return self._lease

    async def rest(self, *, is_clean: bool) -> None:
        """End the lane until the next `lease`.

        If it is not clean, it may still hold rows: then the sweep expires it, and the next `lease` opens a new lane.
        """
        lease, self._lease = self._lease, None
        if lease is None:
            return
        if self._beating is not None:
            self._beating.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._beating
        if is_clean and not lease.is_lost:
            await asyncio.get_running_loop().run_in_executor(self._executor, lease.end)
        else:
            self._lane_id = None

    def _open(self) -> int:
        lane_id = open_guarded(self._rt, self._open_or_resume)
        if lane_id is None:
            raise LaneLostError
        self._lane_id = lane_id
        return lane_id

    def _open_or_resume(self, session: Session) -> int:
        if self._lane_id is not None and resume_lane(session, self._lane_id):
            return self._lane_id
        return open_lane(session, None, socket.gethostname(), os.getpid())
