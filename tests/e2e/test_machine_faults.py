"""The machine under a running campaign fails: power, disk, clock. Nobody is messaged twice, and nothing that was taken is lost."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest

from models.tables.campaign import PauseReason
from tests.support.faults import Faults
from tests.support.proof import dice, rounds, table
from tests.support.running_hark import Installation, wait_for
from tests.support.settling import (
    PATIENCE_SECONDS,
    SENDERS,
    assert_every_reply_is_stored_once,
    assert_nobody_twice_and_nobody_lost,
    assert_sums_are_exact,
    at_rest,
    send_some,
    wait_until_settled,
)

pytestmark = [pytest.mark.redis, pytest.mark.crash, pytest.mark.sqlite_unless_proved]

POWER_CUTS = rounds(1, 12)
FULL_DISKS = rounds(1, 10)
JUMPS = rounds((3_600.0, -3_600.0), (3_600.0, -3_600.0, 900.0, -20.0, 5.0, 21_600.0, 0.0, 7_200.0))
"""Where the clock is after each jump, in seconds from the right time."""
PACE = 40


@contextmanager
def on_a_machine_that_fails(
    database_url: str, directory: Path, count: int
) -> Iterator[tuple[Installation, Faults, int]]:
    """An installation with a campaign that sends, all of whose processes see the faults; people answer."""
    place = directory / "machine"
    place.mkdir()
    url = database_url
    if url.startswith("sqlite"):
        source = Path(url.removeprefix("sqlite:///"))
        url = f"sqlite:///{place / 'hark.db'}"
        source.rename(place / "hark.db")
    hark = Installation(place, url, speed="20")
    try:
        hark.start_sandbox()
        hark.configure_sandbox(reply_share=0.3, read_share=0.9, read_seconds=1.0, reply_seconds=1.0)
        campaign_id = hark.prepare(count, pace=PACE)
        hark.rt.close()
        faults = Faults(place)
        hark.suffer(faults)
        faults.remember()
        hark.up()
        hark.flask("campaigns", "start", str(campaign_id))
        yield hark, faults, campaign_id
    finally:
        hark.close()


def assert_all_is_well(hark: Installation, campaign_id: int, count: int, lost_lanes: int) -> int:
    """Once everybody is at rest; returns how many replies there were."""
    wait_until_settled(hark, campaign_id)
    assert_nobody_twice_and_nobody_lost(hark, campaign_id, count, lost_lanes=lost_lanes, pace=PACE)
    assert_sums_are_exact(hark, campaign_id, count)
    return assert_every_reply_is_stored_once(hark)


def kind_of(hark: Installation) -> str:
    return "SQLite" if hark.rt.database.is_sqlite else "PostgreSQL"


def test_a_power_cut_under_a_campaign_doubles_and_loses_nobody(database_url: str, tmp_path: Path) -> None:
    """On PostgreSQL its server is another machine: the power goes on this one, with Redis and what is under `var`."""
    chance = dice(3_021)
    count = 200 + 180 * POWER_CUTS
    with on_a_machine_that_fails(database_url, tmp_path, count) as (hark, _, campaign_id):
        lost_writes = 0
        for _ in range(POWER_CUTS):
            send_some(hark, campaign_id, chance)
            lost_writes += hark.cut_power(chance).lost
            hark.up()
        replies = assert_all_is_well(hark, campaign_id, count, len(SENDERS) * POWER_CUTS)
        print(f"{lost_writes} writes were not on the disk")
        table(f"power cut ({count} people, {replies} replies)", kind_of(hark), POWER_CUTS, is_held=True)


@pytest.mark.proof
def test_a_full_disk_under_a_campaign_doubles_and_loses_nobody(database_url: str, tmp_path: Path) -> None:
    chance = dice(3_022)
    count = 200 + 120 * FULL_DISKS
    with on_a_machine_that_fails(database_url, tmp_path, count) as (hark, faults, campaign_id):
        for _ in range(FULL_DISKS):
            send_some(hark, campaign_id, chance)
            faults.fill_disk()
            time.sleep(chance.uniform(2.0, 6.0))
            faults.free_disk()
        wait_for(lambda: is_ready(hark), PATIENCE_SECONDS, hark.tail)
        replies = assert_all_is_well(hark, campaign_id, count, len(SENDERS) * FULL_DISKS)
        table(f"full disk ({count} people, {replies} replies)", kind_of(hark), FULL_DISKS, is_held=True)


def is_ready(hark: Installation) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{hark.web_port}/readyz", timeout=5, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def goes_on(hark: Installation, campaign_id: int) -> bool:
    """Whether everybody is at rest. A clock that was put ahead looks like a long sleep: an operator lets the campaign go on."""
    if hark.campaign(campaign_id).pause_reason == PauseReason.NOT_SERVED:
        hark.flask("campaigns", "resume", str(campaign_id))
    return at_rest(hark, campaign_id)


def has_moved_on(hark: Installation, campaign_id: int, enough: int) -> bool:
    """Whether so many are sent, or all."""
    return goes_on(hark, campaign_id) or hark.states(campaign_id).get("accepted", 0) >= enough


@pytest.mark.proof
def test_a_clock_that_jumps_under_a_campaign_doubles_and_loses_nobody(database_url: str, tmp_path: Path) -> None:
    """On PostgreSQL its server keeps the right time, so this machine and the database disagree."""
    chance = dice(3_023)
    count = 200 + 120 * len(JUMPS)
    with on_a_machine_that_fails(database_url, tmp_path, count) as (hark, faults, campaign_id):
        for seconds in JUMPS:
            enough = hark.states(campaign_id).get("accepted", 0) + chance.randint(30, 90)
            wait_for(partial(has_moved_on, hark, campaign_id, enough), PATIENCE_SECONDS, hark.tail)
            faults.move_clock(seconds)
        # What was put off by a clock that was ahead is due once it is there again.
        faults.move_clock(max(JUMPS) + 60.0)
        wait_for(lambda: goes_on(hark, campaign_id), PATIENCE_SECONDS, hark.tail)
        replies = assert_all_is_well(hark, campaign_id, count, len(SENDERS) * (len(JUMPS) + 1))
        table(f"clock that jumps ({count} people, {replies} replies)", kind_of(hark), len(JUMPS), is_held=True)
