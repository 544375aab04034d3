"""How the cost of sending grows with the campaign: `python -m tests.benchmarks.size_bench [--recipients N …] [--database KIND …]`.

One lane lives its minute on a campaign of so many recipients, in a process of its own: what it sent, what each message cost, and
how much memory the process took beyond what it had before its first claim. Flat is the aim: a claim that looked at more than its
chunk, or a lane that remembered whom it sent to, would show here.
"""

import argparse
import contextlib
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from redis import Redis
from sqlalchemy import text, update

from jobs.core.runtime import Runtime, use_runtime
from jobs.sending.serve import serve
from models.config import Settings
from models.db.migrate import upgrade_schema
from models.tables.campaign import Campaign
from models.tables.number import Number
from tests.benchmarks.send_bench import prepare, sandbox
from tests.support import services
from tests.support.redis_server import RedisServer
from tests.support.sending_rig import sandbox_settings

PACE = 2000.0


def run_lane(settings: Settings, number_id: int, answer: Connection) -> None:
    """One lane's life, or until nobody is queued."""
    rt = Runtime(settings)
    with use_runtime(rt):
        idle = resource.getrusage(resource.RUSAGE_SELF)
        begun = time.perf_counter()
        sent = serve(rt, number_id)
        seconds = time.perf_counter() - begun
        used = resource.getrusage(resource.RUSAGE_SELF)
    rt.close()
    cpu = used.ru_utime + used.ru_stime - idle.ru_utime - idle.ru_stime
    answer.send((sent, seconds, cpu, (used.ru_maxrss - idle.ru_maxrss) / 1024))


def measure(settings: Settings, recipients: int) -> tuple[int, float, float, float]:
    """Messages, seconds, CPU seconds, MiB."""
    upgrade_schema(settings.database_url)
    Redis.from_url(settings.redis_url or "").flushall()
    rt = Runtime(settings)
    number_id, _ = prepare(rt, recipients, 2)
    with rt.database.write() as session:
        session.execute(update(Number).values(messages_per_second=int(PACE / 0.9) + 1))
        session.execute(update(Campaign).values(pace_per_second=PACE / 2))
    if not rt.database.is_sqlite:
        with rt.database.write_engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))
    rt.close()
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    lane = context.Process(target=run_lane, args=(settings, number_id, there))
    lane.start()
    found: tuple[int, float, float, float] = here.recv()
    lane.join()
    return found


@contextlib.contextmanager
def database(kind: str, directory: Path, recipients: int) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{directory / f'size-{recipients}.db'}"
        return
    with services.postgres_server_url(is_durable=True) as url:
        yield url


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipients", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--database", choices=("sqlite", "postgresql"), nargs="+", default=["sqlite", "postgresql"])
    arguments = parser.parse_args()
    print(f"{'database':>11} {'recipients':>11} {'sent':>8} {'msgs/s':>8} {'CPU ms/msg':>11} {'MiB more':>9}")
    with sandbox(0.0) as url, tempfile.TemporaryDirectory() as folder:
        server = RedisServer(Path(folder) / "redis")
        server.start()
        try:
            for kind in arguments.database:
                for recipients in arguments.recipients:
                    with database(kind, Path(folder), recipients) as address:
                        settings = sandbox_settings(address, server.url, url, Path(folder))
                        sent, seconds, cpu, more = measure(settings, recipients)
                    print(
                        f"{kind:>11} {recipients:>11,} {sent:>8,} {sent / seconds:>8,.0f} {cpu / sent * 1000:>11.3f} {more:>9.0f}",
                        flush=True,
                    )
        finally:
            server.stop()


if __name__ == "__main__":
    main()
