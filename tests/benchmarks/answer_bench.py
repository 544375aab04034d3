"""How many people one worker answers a second, each with two messages: `python -m tests.benchmarks.answer_bench`.

The worker is a process of its own; the simulated Meta shares the machine with it. Read the ratio, not the absolute figures.
"""

import argparse
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.support import services

services.forget_inherited_settings()

from tests.support.chat_rig import people_write, worker  # noqa: E402
from tests.support.redis_server import RedisServer  # noqa: E402 - only now is the environment clean
from tests.support.sending_rig import sending_to_a_sandbox  # noqa: E402


@contextmanager
def databases(directory: Path) -> Iterator[list[tuple[str, str]]]:
    """A migrated database of each kind."""
    sqlite = services.SqliteTemplate(directory / "template.db").copy_to(directory / "hark.db")
    with services.postgres_server_url() as url:
        template = services.PostgresTemplate(url)
        yield [("SQLite", sqlite), ("PostgreSQL", template.clone())]


def measure(database_url: str, redis_url: str, directory: Path, people: int) -> tuple[float, float, int]:
    """Seconds, CPU seconds of the worker, messages sent."""
    with sending_to_a_sandbox(database_url, redis_url, directory) as sending:
        sending.prepare(messages_per_second=1000)
        people_write(sending, people)
        process = worker(sending.rt)
        while not sending.sandbox.stats()["accepted"]["total"]:
            time.sleep(0.01)
        begun = time.monotonic()
        _, _, usage = os.wait4(process.pid, 0)
        sent = int(sending.sandbox.stats()["accepted"]["total"])
        return time.monotonic() - begun, usage.ru_utime + usage.ru_stime, sent


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=500)
    people = parser.parse_args().people
    table = Table("database", "people/s", "messages/s", "CPU ms per message, the start included")
    with services.temporary_directory() as directory, databases(directory) as found:
        server = RedisServer(directory / "redis")
        server.start()
        for name, url in found:
            seconds, cpu, sent = measure(url, server.url, directory, people)
            row = (f"{people / seconds:.0f}", f"{sent / seconds:.0f}", f"{1000 * cpu / sent:.1f}")
            table.add_row(name, *row)
        server.stop()
    Console().print(table)


if __name__ == "__main__":
    main()
