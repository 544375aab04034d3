"""A worker: takes wake-ups from RQ's queues and runs them in this process, one at a time.

`python -m jobs.worker --queues hark-send hark-launch`. RQ's SimpleWorker with four habits of our own:

- SIGTERM, however often it comes, only sets `STOPPING`: the job at hand drains and returns, then the worker leaves. RQ takes a
  second signal as an order to drop everything.
- Redis may go and come back: the worker waits for it, where RQ gives up after some kinds of errors.
- Nothing listens to RQ's remote commands, so there is no thread that spins while Redis is away.
- Of an exception only its class and our line are logged and stored: its text may hold a customer's words.
"""

import argparse
import contextlib
import logging
import os
import socket
from collections.abc import Sequence
from types import FrameType
from typing import Any
from uuid import uuid4

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from rq import Queue, SimpleWorker
from rq.exceptions import DequeueTimeout, StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer

from jobs.core.logs import configure_logs, described
from jobs.core.queues import ALL
from jobs.core.runtime import Runtime, runtime
from jobs.core.shutdown import SHUTDOWN, stop_on_signals
from jobs.core.wake_ups import PREVIOUS_JOBS
from jobs.replies.answer import close_dispatcher

log = logging.getLogger("hark.worker")

_POLL_SECONDS = 1
_REDIS_PAUSE_SECONDS = 0.3


class Worker(SimpleWorker):
    """See the module."""

    log_job_description = False
    _failed_with = ""

    def request_stop(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a signal handler's signature
        """No Redis, no lock, no exception in here: it may interrupt anything."""
        self._stop_requested = True
        SHUTDOWN.set()

    request_force_stop = request_stop

    def subscribe(self) -> None:
        """RQ's remote commands are not listened to."""

    def unsubscribe(self) -> None:
        """There is nothing to leave."""

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[Job, Queue] | None:
        """The next job; StopRequested once this process is to stop. Outlasts any absence of Redis."""
        if timeout is None:  # burst: take what there is
            return super().dequeue_job_and_maintain_ttl(timeout, max_idle_time)
        self._state = "idle"
        complained = False
        while not SHUTDOWN.is_set():
            try:
                taken = self._take()
            except (RedisConnectionError, RedisTimeoutError) as error:
                if not complained:
                    log.warning("Redis is away (%s); waiting for it", type(error).__name__)
                complained = True
                SHUTDOWN.wait(_REDIS_PAUSE_SECONDS)
                continue
            if complained:
                log.info("Redis is back")
                complained = False
            if taken is not None:
                return taken
        raise StopRequested

    def _take(self) -> tuple[Job, Queue] | None:
        self.heartbeat()
        with contextlib.suppress(DequeueTimeout):
            taken = self.queue_class.dequeue_any(
                self._ordered_queues,
                _POLL_SECONDS,
                connection=self.connection,
                job_class=self.job_class,
                serializer=self.serializer,
                death_penalty_class=self.death_penalty_class,
            )
            if taken is not None:
                if renamed := PREVIOUS_JOBS.get(taken[0].func_name or ""):
                    taken[0].func_name = renamed
                taken[0].redis_server_version = self.get_redis_server_version()  # type: ignore[no-untyped-call]
                return taken
        return None

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """One line, without the exception's text."""
        error = exc_info[1]
        self._failed_with = type(error).__name__
        log.error("%s failed: %s", job.func_name, described(error) if error else "unknown error")

    def handle_job_failure(self, job: Job, queue: Queue, *args: Any, **named: Any) -> None:
        """Redis keeps the class of the exception alone."""
        super().handle_job_failure(job, queue, *args, **named | {"exc_string": self._failed_with})


def run_worker(rt: Runtime, queues: Sequence[str]) -> None:
    """Until `STOPPING`: a worker, and another one whenever Redis threw the last one out."""
    complained = False
    while not SHUTDOWN.is_set():
        try:
            name = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:6]}"
            worker = Worker(list(queues), name=name, connection=rt.redis, serializer=JSONSerializer)
            log.info("taking %s", ", ".join(queues))
            complained = False
            worker.work(logging_level="CRITICAL")  # what RQ has to say is said here
        except RedisError as error:
            if not complained:
                log.warning("Redis is away (%s); waiting for it", type(error).__name__)
            complained = True
        SHUTDOWN.wait(_REDIS_PAUSE_SECONDS)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m jobs.worker", description="Takes wake-ups and runs them.")
    parser.add_argument("--queues", nargs="+", choices=ALL, default=list(ALL), metavar="QUEUE")
    queues = parser.parse_args(arguments).queues
    configure_logs()
    stop_on_signals()
    rt = runtime()
    try:
        run_worker(rt, queues)
    finally:
        close_dispatcher()
        rt.close()


if __name__ == "__main__":
    main()
