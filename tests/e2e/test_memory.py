"""No process grows over a long load. `make prove T=tests/e2e/test_memory.py PROVE_MINUTES=120` decides how long."""

import os
import statistics
import time
from collections import defaultdict
from pathlib import Path

import pytest

from tests.support.proof import ROW, rounds, table
from tests.support.running_hark import Installation, installed
from tests.support.settling import assert_nobody_twice_and_nobody_lost, begin_with_replies, wait_until_settled

pytestmark = [pytest.mark.redis, pytest.mark.crash, pytest.mark.proof]

SECONDS = float(os.environ.get("PROVE_MINUTES") or rounds(0.4, 20.0)) * 60
SAMPLES = 24
PACE = 40
SLACK_MB = 24.0
"""Caches and pools are filled once, whatever the length; a leak of a kilobyte a message is more after ten minutes."""
SUPERVISOR = "supervisor"
"""Has all the others below it."""
REDIS = "redis"
"""Its data is what waits to be applied and marks with an end; measured, but not held to it."""


def resident_mb(pid: int) -> float | None:
    """The memory of a process and of those that it started; None if it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20 + sum(resident_mb(int(child)) or 0.0 for child in children)


def watch(hark: Installation) -> dict[str, list[float]]:
    """The memory of each process over the time."""
    found: dict[str, list[float]] = defaultdict(list)
    for _ in range(SAMPLES):
        time.sleep(SECONDS / SAMPLES)
        for name, pid in hark.pids().items():
            if name != SUPERVISOR and (size := resident_mb(pid)) is not None:
                found[name].append(size)
    return found


def test_no_process_grows_under_a_long_load(database_url: str, tmp_path: Path) -> None:
    count = int(SECONDS * PACE)
    with installed(tmp_path, database_url, speed="20") as hark:
        kind = "SQLite" if hark.rt.database.is_sqlite else "PostgreSQL"
        campaign_id = begin_with_replies(hark, count, pace=PACE)
        sizes = watch(hark)
        wait_until_settled(hark, campaign_id)
        assert_nobody_twice_and_nobody_lost(hark, campaign_id, count, lost_lanes=0, pace=PACE)
        growth = {}
        for name, values in sorted(sizes.items()):
            assert len(values) == SAMPLES, f"{name} ended or came later"
            quarters = [
                statistics.median(values[place : place + SAMPLES // 4]) for place in range(0, SAMPLES, SAMPLES // 4)
            ]
            growth[name] = quarters[3] - quarters[1]
            shown = " ".join(f"{value:.0f}" for value in quarters)
            print(
                f"{ROW}memory of {name} by quarters of {SECONDS / 60:.1f} minutes: {shown} MB | {kind} | {count} people | |"
            )
        grown = {name: round(value, 1) for name, value in growth.items() if name != REDIS and value > SLACK_MB}
        table(f"memory over {SECONDS / 60:.1f} minutes", kind, 1, is_held=not grown)
        assert grown == {}
