"""How well the pace holds: `python -m tests.benchmarks.pace_bench [--seconds S] [--rate R ...] [--lanes N ...]`.

Real lanes, each a process of its own, send one campaign to the sandbox; the sandbox's ledger says when each message came. Printed
for each rate and number of lanes: what was asked, the mean over the run (its first and last second left out), the fullest sliding
second, and the bound that no second may pass: max(1.1 × rate + 2, rate + 3).
"""

import argparse
import multiprocessing
import tempfile
from bisect import bisect_left
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path

import httpx
from redis import Redis
from sqlalchemy import update

from jobs.core.runtime import Runtime, use_runtime
from jobs.sending.serve import serve
from models.config import Settings
from models.db.migrate import upgrade_schema
from models.tables.campaign import Campaign
from models.tables.number import Number
from tests.benchmarks.send_bench import prepare, sandbox
from tests.support.redis_server import RedisServer
from tests.support.sending_rig import sandbox_settings


@dataclass(frozen=True)
class Held:
    mean: float
    fullest: int


def run_lane(settings: Settings, number_id: int, everybody: Barrier) -> None:
    """One lane in a process of its own, until nobody is queued. All begin together, once the last has started up."""
    rt = Runtime(settings)
    everybody.wait()
    with use_runtime(rt):
        serve(rt, number_id)
    rt.close()


def measure(url: str, redis_url: str, directory: Path, rate: float, lanes: int, seconds: float) -> Held:
    """Send `rate × seconds` messages and read the ledger."""
    database_url = f"sqlite:///{directory / f'pace-{rate:.0f}-{lanes}.db'}"
    upgrade_schema(database_url)
    settings = sandbox_settings(database_url, redis_url, url, directory)
    Redis.from_url(redis_url).flushall()
    httpx.post(f"{url}/_sandbox/reset", json={})
    rt = Runtime(settings)
    number_id, _ = prepare(rt, int(rate * seconds))
    with rt.database.write() as session:
        session.execute(update(Number).values(messages_per_second=max(80, int(rate * 2))))
        session.execute(update(Campaign).values(pace_per_second=rate))
    rt.close()
    context = multiprocessing.get_context("spawn")
    everybody = context.Barrier(lanes)
    processes = [context.Process(target=run_lane, args=(settings, number_id, everybody)) for _ in range(lanes)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return read_ledger(url)


def read_ledger(url: str) -> Held:
    """From the sandbox's own clock."""
    times: list[float] = []
    after = 0
    while True:
        page = httpx.get(f"{url}/_sandbox/messages", params={"after": after, "limit": 5000}, timeout=60).json()
        rows = page["messages"] if isinstance(page, dict) else page
        if not rows:
            break
        times += [row["at"] for row in rows]
        after += len(rows)
    times.sort()
    inner = [at for at in times if times[0] + 1 <= at <= times[-1] - 1]
    mean = (len(inner) - 1) / (inner[-1] - inner[0])
    fullest = max(bisect_left(times, at + 1.0) - index for index, at in enumerate(times))
    return Held(mean, fullest)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rate", type=float, action="append")
    parser.add_argument("--lanes", type=int, action="append")
    arguments = parser.parse_args()
    print(f"{'asked/s':>8} {'lanes':>6} {'mean/s':>8} {'off by':>8} {'fullest second':>15} {'bound':>7}")
    with sandbox(0.0) as url, tempfile.TemporaryDirectory() as folder:
        server = RedisServer(Path(folder) / "redis")
        server.start()
        try:
            for rate in arguments.rate or [20.0, 200.0, 500.0]:
                for lanes in arguments.lanes or [1, 4]:
                    held = measure(url, server.url, Path(folder), rate, lanes, arguments.seconds)
                    bound = max(1.1 * rate + 2, rate + 3)
                    off = 100 * (held.mean / rate - 1)
                    print(
                        f"{rate:>8.0f} {lanes:>6} {held.mean:>8.1f} {off:>+7.1f}% {held.fullest:>15} {bound:>7.0f}",
                        flush=True,
                    )
        finally:
            server.stop()


if __name__ == "__main__":
    main()
