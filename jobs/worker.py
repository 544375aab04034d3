"""Runs the jobs of RQ's queues in this process, one at a time: `python -m jobs.worker --queues hark-send hark-launch`.

It is RQ's SimpleWorker with four differences:

- SIGTERM, however often it comes, only sets `SHUTDOWN`: the current job finishes what is under way and returns, then the worker
  ends. RQ aborts the job at a second signal.
- While Redis cannot be reached, the worker waits for it; RQ gives up after some kinds of errors.
- The worker does not listen to RQ's remote commands, so no thread spins while Redis cannot be reached.
- Only the class of an exception and the line of Hark's code are logged and stored: its text may hold a customer's words.
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
    """RQ's SimpleWorker with the differences that the module docstring lists."""

    log_job_description = False
    _failed_with = ""

    def request_stop(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a signal handler's signature
        """Set the flag alone: a signal handler may interrupt anything, so it uses no Redis, no lock and no exception."""
        self._stop_requested = True
        SHUTDOWN.set()

    request_force_stop = request_stop

    def subscribe(self) -> None:
        """Do nothing: RQ's remote commands are not used."""

    def unsubscribe(self) -> None:
        """Do nothing: there is no subscription to end."""

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[Job, Queue] | None:
        """Return the next job, or None if `timeout` is None and no job waits. Waits while Redis cannot be reached.

        Raises StopRequested if this process is to stop.
        """
        if timeout is None:  # burst mode: run what waits and end
            return super().dequeue_job_and_maintain_ttl(timeout, max_idle_time)
        self._state = "idle"
        complained = False
        while not SHUTDOWN.is_set():
            try:
                job_and_queue = self._dequeue()
            except (RedisConnectionError, RedisTimeoutError) as error:
                if not complained:
                    log.warning("Redis is away (%s); waiting for it", type(error).__name__)
                complained = True
                SHUTDOWN.wait(_REDIS_PAUSE_SECONDS)
                continue
            if complained:
                log.info("Redis is back")
                complained = False
            if job_and_queue is not None:
                return job_and_queue
        raise StopRequested

    def _dequeue(self) -> tuple[Job, Queue] | None:
        self.heartbeat()
        with contextlib.suppress(DequeueTimeout):
            job_and_queue = self.queue_class.dequeue_any(
                self._ordered_queues,
                _POLL_SECONDS,
                connection=self.connection,
                job_class=self.job_class,
                serializer=self.serializer,
                death_penalty_class=self.death_penalty_class,
            )
            if job_and_queue is not None:
                job, _ = job_and_queue
                if current_name := PREVIOUS_JOBS.get(job.func_name or ""):
                    job.func_name = current_name
                job.redis_server_version = self.get_redis_server_version()  # type: ignore[no-untyped-call]
                return job_and_queue
        return None

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """Log one line, without the exception's text."""
        error = exc_info[1]
        self._failed_with = type(error).__name__
        log.error("%s failed: %s", job.func_name, described(error) if error else "unknown error")

    def handle_job_failure(self, job: Job, queue: Queue, *args: Any, **named: Any) -> None:
        """Store only the class of the exception in Redis."""
        super().handle_job_failure(job, queue, *args, **named | {"exc_string": self._failed_with})


def run_worker(rt: Runtime, queues: Sequence[str]) -> None:
    """Run a worker until `SHUTDOWN` is set, and a new one whenever the last one ended with a Redis error."""
    complained = False
    while not SHUTDOWN.is_set():
        try:
            name = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:6]}"
            worker = Worker(list(queues), name=name, connection=rt.redis, serializer=JSONSerializer)
            log.info("taking %s", ", ".join(queues))
            complained = False
            worker.work(logging_level="CRITICAL")  # this module logs what matters
        except RedisError as error:
            if not complained:
                log.warning("Redis is away (%s); waiting for it", type(error).__name__)
            complained = True
        SHUTDOWN.wait(_REDIS_PAUSE_SECONDS)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and run the worker until it is stopped."""
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
