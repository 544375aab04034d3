"""Groups many small writes into few transactions: items that arrive while one transaction runs share the next one.

A commit costs one disk flush however much it holds, so hundreds of conversations a second can each write in order and be
durable before their next step.
"""

import asyncio
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Executor
from typing import Generic, TypeVar

from sqlalchemy.exc import DBAPIError

from jobs.core.shutdown import SHUTDOWN

Item = TypeVar("Item")
Answer = TypeVar("Answer")

PAUSE_SECONDS = 0.2


class GroupCommit(Generic[Item, Answer]):
    """`await group(key, item)` returns the answer for its key once the transaction that holds it is committed.

    `work` takes {key: item}, returns {key: answer} and runs in a thread. When a batch of up to `most` items fails, each of its
    items is tried alone, so that a bad item fails alone. An item whose error is one of `again` is tried again for
    `patience_seconds`; any other error is raised where the item is awaited.
    """

    def __init__(
        self,
        work: Callable[[dict[Hashable, Item]], dict[Hashable, Answer]],
        executor: Executor,
        *,
        most: int = 64,
        patience_seconds: float = 0.0,
        again: tuple[type[Exception], ...] = (DBAPIError,),
    ) -> None:
        self._work = work
        self._executor = executor
        self._most = most
        self._patience = patience_seconds
        self._again = again
        self._waiting: list[tuple[Hashable, Item, asyncio.Future[Answer]]] = []
        self._runner: asyncio.Task[None] | None = None

    async def __call__(self, key: Hashable, item: Item) -> Answer:
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, item, future))
        if self._runner is None or self._runner.done():
            self._runner = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            if len(batch) == 1 or not await self._run_batch(batch):
                for single in batch:
                    await self._run_with_retries(single)

    async def _run_batch(self, batch: Sequence[tuple[Hashable, Item, asyncio.Future[Answer]]]) -> bool:
        """False if the transaction failed and wrote nothing."""
        items = {key: item for key, item, _ in batch}
        try:
            answers = await asyncio.get_running_loop().run_in_executor(self._executor, self._work, items)
        except Exception:  # noqa: BLE001 - trying each item alone shows which one is at fault
            return False
        for key, _, future in batch:
            if not future.done():
                future.set_result(answers[key])
        return True

    async def _run_with_retries(self, single: tuple[Hashable, Item, asyncio.Future[Answer]]) -> None:
        key, item, future = single
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience
        while True:
            try:
                answers = await loop.run_in_executor(self._executor, self._work, {key: item})
            except self._again as error:
                if loop.time() >= deadline or SHUTDOWN.is_set():
                    _set_error(future, error)
                    return
                await asyncio.sleep(PAUSE_SECONDS)
            except Exception as error:  # noqa: BLE001 - raised where the item is awaited
                _set_error(future, error)
                return
            else:
                if not future.done():
                    future.set_result(answers[key])
                return


def _set_error(future: "asyncio.Future[Answer]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
