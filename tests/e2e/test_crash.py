"""Nobody is messaged twice and nobody is lost, whatever dies: processes killed at random under a running campaign."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from jobs.campaigns.lifecycle import pause_campaign, resume_campaign
from jobs.campaigns.start import start_campaign
from models.clock import utcnow
from models.tables.campaign import Campaign
from models.tables.lane import Lane
from models.tables.recipient import Recipient
from tests.support.paths import ROOT
from tests.support.postgres_server import PostgresMissingError, PostgresServer
from tests.support.proof import dice, rounds, table
from tests.support.running_hark import Installation, installed, wait_for
from tests.support.services import prepare_schema
from tests.support.settling import (
    PATIENCE_SECONDS,
    SENDERS,
    assert_every_reply_is_stored_once,
    assert_nobody_twice_and_nobody_lost,
    assert_sums_are_exact,
    at_rest,
    begin_with_replies,
    most_lost,
    wait_until_settled,
)

pytestmark = [pytest.mark.redis, pytest.mark.crash]

REPLACED_SECONDS = 60
SUPERVISOR = "supervisor"
MOST_RESTARTS = rounds(0, 8)
"""Of everything, which takes as long as ten kills of one process."""
KILL_SECONDS = rounds(24, 240)
REPLACEMENTS = rounds(1, 10)


def are_given_up(hark: Installation, killed: list[Lane]) -> bool:
    """What they held is settled."""
    with hark.rt.database.read() as session:
        return all(session.get_one(Lane, lane.id).swept_at is not None for lane in killed)


def has_lane_opened_after(hark: Installation, number_id: int, moment: datetime) -> bool:
    """Whether the number got one then; it may have ended meanwhile."""
    with hark.rt.database.read() as session:
        opened = select(Lane.id).where(Lane.number_id == number_id, Lane.started_at > moment).limit(1)
        return session.scalar(opened) is not None


def wait_until_it_waits_for_its_moment(hark: Installation, campaign_id: int) -> None:
    """Just now a row was claimed whose request begins some tenths of a second later: nothing is inside the sender's client,
    which would go out however late its process wakes up."""
    end = time.monotonic() + PATIENCE_SECONDS
    while hark.states(campaign_id).get("sending", 0) > 0:
        assert time.monotonic() < end
        time.sleep(0.005)
    while not hark.states(campaign_id).get("sending", 0):
        assert time.monotonic() < end
        time.sleep(0.005)


def has_accepted(hark: Installation, campaign_id: int, more_than: int) -> bool:
    return hark.states(campaign_id).get("accepted", 0) > more_than


def live_lanes(hark: Installation, number_id: int) -> list[Lane]:
    """Those of the number that neither ended nor were given up: one, or two where both senders woke up at once."""
    with hark.rt.database.read() as session:
        query = select(Lane).where(Lane.number_id == number_id, Lane.ended_at.is_(None), Lane.swept_at.is_(None))
        return list(session.scalars(query))


@pytest.mark.sqlite_unless_proved
def test_killing_any_process_at_random_doubles_and_loses_nobody(database_url: str, tmp_path: Path) -> None:
    """Whatever the supervisor starts is killed, and itself, while a campaign sends and people answer."""
    chance = dice(4711)
    pace = 70
    count = KILL_SECONDS * pace + 20  # so that it still sends when the last is killed
    with installed(tmp_path, database_url, speed="20") as hark:
        campaign_id = begin_with_replies(hark, count, pace=pace)
        killed: Counter[str] = Counter()
        end = time.monotonic() + KILL_SECONDS
        while time.monotonic() < end:
            time.sleep(chance.uniform(0.4, 1.2))
            running = sorted(hark.pids())
            name = chance.choice(running) if running else SUPERVISOR
            if name == SUPERVISOR:
                if killed[SUPERVISOR] < MOST_RESTARTS:
                    killed.update(running)
                    hark.restart_after_the_tree_died()
            elif hark.kill(name):
                killed[name] += 1
        assert not at_rest(hark, campaign_id)
        killed.update(list(hark.pids()))
        hark.restart_after_the_tree_died()
        wait_until_settled(hark, campaign_id)
        print(f"killed: {dict(sorted(killed.items()))}")
        assert killed.total() >= rounds(10, 100)
        lost_lanes = sum(killed[name] for name in SENDERS)
        assert_nobody_twice_and_nobody_lost(hark, campaign_id, count, lost_lanes=lost_lanes, pace=pace)
        assert_sums_are_exact(hark, campaign_id, count)
        replies = assert_every_reply_is_stored_once(hark)
        kind = "SQLite" if hark.rt.database.is_sqlite else "PostgreSQL"
        table(f"SIGKILL of any process ({count} people, {replies} replies)", kind, killed.total(), is_held=True)


@pytest.mark.sqlite_unless_proved
def test_a_new_lane_serves_the_number_soon_after_its_sender_was_killed(database_url: str, tmp_path: Path) -> None:
    count, pace = 300 + 800 * REPLACEMENTS, 40
    with installed(tmp_path, database_url, speed="20") as hark:
        campaign_id = hark.prepare(count, pace=pace)
        number_id = hark.campaign(campaign_id).number_id
        assert number_id is not None
        start_campaign(hark.rt, campaign_id, utcnow(), "test")
        killed_lanes = 0
        for _ in range(REPLACEMENTS):
            enough = hark.states(campaign_id).get("accepted", 0) + 60
            wait_for(partial(has_accepted, hark, campaign_id, enough), PATIENCE_SECONDS, hark.tail)
            senders = {hark.pids()[name] for name in SENDERS}
            killed = live_lanes(hark, number_id)
            pids = {lane.pid for lane in killed}
            assert pids
            assert pids <= senders
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            killed_lanes += len(killed)
            killed_at = utcnow()
            wait_for(partial(has_lane_opened_after, hark, number_id, killed_at), REPLACED_SECONDS, hark.tail)
            wait_for(partial(are_given_up, hark, killed), PATIENCE_SECONDS, hark.tail)
            assert hark.states(campaign_id).get("unsure", 0) <= killed_lanes * most_lost(pace)


def test_a_stopped_sender_that_wakes_up_after_its_lease_sends_nothing(sqlite_url: str, tmp_path: Path) -> None:
    count, pace = 60, 1
    with installed(tmp_path, sqlite_url, speed="20") as hark:
        campaign_id = hark.prepare(count, pace=pace)
        start_campaign(hark.rt, campaign_id, utcnow(), "test")
        wait_for(
            lambda: hark.states(campaign_id).get("accepted", 0) > 4,
            PATIENCE_SECONDS,
            lambda: f"it is sending {hark.states(campaign_id)} {hark.tail()}",
        )
        pids = hark.pids()
        stopped = [pids[name] for name in SENDERS]
        wait_until_it_waits_for_its_moment(hark, campaign_id)
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        number_id = hark.campaign(campaign_id).number_id
        assert number_id is not None
        wait_for(lambda: not live_lanes(hark, number_id), PATIENCE_SECONDS, hark.tail)
        with hark.rt.database.read() as session:
            sending = session.scalars(
                select(Recipient.id).where(Recipient.campaign_id == campaign_id, Recipient.state == "sending")
            ).all()
        assert sending == [], "what a stopped lane held was given up"
        pause_campaign(hark.rt, campaign_id, utcnow(), "test")  # so that no fresh lane sends
        before = hark.messages()
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
        time.sleep(3.0)
        assert hark.messages() == before, "a woken lane begins nothing"
        with hark.rt.database.write() as session:
            session.get_one(Campaign, campaign_id).pace_per_second = 60.0
        resume_campaign(hark.rt, campaign_id, utcnow(), "test")
        wait_until_settled(hark, campaign_id)
        assert_nobody_twice_and_nobody_lost(hark, campaign_id, count, lost_lanes=len(stopped), pace=pace)


def test_sigterm_drains_and_leaves_nothing_unsure(sqlite_url: str, tmp_path: Path) -> None:
    with installed(tmp_path, sqlite_url, speed="20", latency_seconds="0.3") as hark:
        campaign_id = hark.prepare(600, pace=100)
        start_campaign(hark.rt, campaign_id, utcnow(), "test")
        wait_for(
            lambda: hark.states(campaign_id).get("accepted", 0) > 50,
            PATIENCE_SECONDS,
            lambda: f"it is sending {hark.states(campaign_id)} {hark.tail()}",
        )
        assert hark.stop() == 0
        assert "did not stop within" not in hark.tail(), "who is not gone after nine seconds is killed"
        states = hark.states(campaign_id)
        assert states.get("sending", 0) == 0
        assert states.get("unsure", 0) == 0
        assert states["accepted"] == hark.messages()


@pytest.mark.postgres
def test_a_restarted_database_and_a_second_schedule_double_and_lose_nobody(tmp_path: Path) -> None:
    server = PostgresServer()
    try:
        server.start()
    except PostgresMissingError as error:
        pytest.skip(str(error))
    second: subprocess.Popen[bytes] | None = None
    try:
        url = server.url("postgres")
        prepare_schema(url)
        count = 600
        with installed(tmp_path, url, speed="20") as hark:
            pace = 80
            campaign_id = hark.prepare(count, pace=pace)
            redis = {"REDIS_URL": hark.rt.settings.redis_socket_url}
            command = [sys.executable, "-m", "jobs.schedule"]
            second = subprocess.Popen(command, cwd=ROOT, env=hark.environment | redis, stderr=subprocess.DEVNULL)
            start_campaign(hark.rt, campaign_id, utcnow(), "test")
            wait_for(lambda: hark.states(campaign_id).get("accepted", 0) > 100, PATIENCE_SECONDS, hark.tail)
            server.kill()
            time.sleep(1.5)
            server.start()
            hark.rt.database.dispose()
            wait_until_settled(hark, campaign_id)
            assert_nobody_twice_and_nobody_lost(hark, campaign_id, count, lost_lanes=1, pace=pace)
    finally:
        if second is not None:
            second.terminate()
            second.wait(60)
        server.close()
