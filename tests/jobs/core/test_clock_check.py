"""Clocks that jump, and what waits until they agree."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from admin.operations.clock import accept_clock, show_clocks
from jobs.campaigns.monitor import monitor
from jobs.campaigns.start import wake_scheduled
from jobs.core import clock_check
from jobs.core.clock_check import Clocks, clock_problem, has_just_jumped, may_take_irreversible_steps, note_clocks
from jobs.core.runtime import Runtime
from jobs.maintenance.purge import purge
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.campaign import Campaign, CampaignStatus
from models.tables.clock_seen import ClockSeen
from tests.support.factories.campaigns import make_campaign, make_number

START = utcnow()
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass
class Machine:
    """What a machine shows: how long it runs, how far its clock is off, and how far the other clocks are."""

    runs: timedelta = timedelta(hours=5)
    off: timedelta = timedelta(0)
    database_off: timedelta | None = None
    redis_off: timedelta | None = None
    boot_id: str = "boot"

    def clocks(self, *_: object) -> Clocks:
        real = START + self.runs

        def shown(off: timedelta | None) -> datetime | None:
            return None if off is None else real + off

        return Clocks(
            real + self.off, self.boot_id, self.runs.total_seconds(), shown(self.database_off), shown(self.redis_off)
        )


@pytest.fixture
def machine(rt: Runtime, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()
    monkeypatch.setattr(clock_check, "read_clocks", made.clocks)
    monkeypatch.setattr("admin.operations.clock.read_clocks", made.clocks)
    note_clocks(rt, utcnow())
    return made


def pass_time(rt: Runtime, machine: Machine, length: timedelta) -> None:
    """Time passes, and the schedule looks before and after."""
    note_clocks(rt, utcnow())
    machine.runs += length
    note_clocks(rt, utcnow())


@pytest.mark.parametrize("off", [8 * DAY, -HOUR, HOUR, -8 * DAY])
def test_a_jump_is_noticed_at_once_and_forgotten_when_the_clock_comes_back(
    rt: Runtime, machine: Machine, off: timedelta
) -> None:
    assert clock_problem(rt) is None
    machine.off = off
    assert f"jumped {'ahead' if off > timedelta(0) else 'back'} by" in str(clock_problem(rt))
    pass_time(rt, machine, timedelta(minutes=20))
    assert not may_take_irreversible_steps(rt)
    machine.off = timedelta(0)
    assert may_take_irreversible_steps(rt)
    pass_time(rt, machine, timedelta(minutes=20))
    assert may_take_irreversible_steps(rt)


@pytest.mark.parametrize(("off", "stands"), [(-HOUR, HOUR), (8 * DAY, 7 * DAY), (3 * HOUR, 3 * HOUR)])
def test_a_jump_that_stands_as_long_as_it_is_wide_is_believed(
    rt: Runtime, machine: Machine, off: timedelta, stands: timedelta
) -> None:
    machine.off = off
    pass_time(rt, machine, stands - timedelta(minutes=1))
    assert clock_problem(rt) is not None
    pass_time(rt, machine, timedelta(minutes=2))
    assert clock_problem(rt) is None


def test_a_restart_of_hark_does_not_hide_a_jump_and_one_of_the_machine_hides_none_back(
    rt: Runtime, machine: Machine
) -> None:
    machine.off = 8 * DAY
    machine.runs += timedelta(seconds=30)
    assert clock_problem(rt) is not None
    machine.off, machine.boot_id, machine.runs = -HOUR, "another boot", timedelta(hours=5, seconds=40)
    assert "jumped back" in str(clock_problem(rt))
    note_clocks(rt, utcnow())
    pass_time(rt, machine, HOUR)
    assert clock_problem(rt) is None


def test_a_machine_that_was_off_for_days_waits_until_its_clock_may_be_set(rt: Runtime, machine: Machine) -> None:
    machine.boot_id, machine.runs, machine.off = "another boot", timedelta(minutes=2), 9 * DAY
    assert "just switched on" in str(clock_problem(rt))
    pass_time(rt, machine, timedelta(minutes=20))
    assert clock_problem(rt) is None


@pytest.mark.parametrize(("field", "name"), [("database_off", "the database's"), ("redis_off", "Redis'")])
def test_another_clock_that_differs_holds_for_as_long_as_it_does(
    rt: Runtime, machine: Machine, field: str, name: str
) -> None:
    setattr(machine, field, -8 * DAY)
    assert f"differs from {name} by 8 d 0 h" in str(clock_problem(rt))
    pass_time(rt, machine, 10 * DAY)
    assert clock_problem(rt) is not None
    with pytest.raises(OperatorError, match="set the one that is wrong first"):
        accept_clock(rt, "x")
    setattr(machine, field, timedelta(seconds=5))
    assert clock_problem(rt) is None


def test_an_operator_says_that_the_clock_is_right(rt: Runtime, machine: Machine) -> None:
    machine.off = 8 * DAY
    assert "jumped ahead" in (show_clocks(rt)["problem"] or "")
    accept_clock(rt, "x")
    assert clock_problem(rt) is None


def test_hosts_with_clocks_of_their_own_do_not_hold_up_one_another(rt: Runtime, machine: Machine) -> None:
    other = Machine(boot_id="other host", off=HOUR, database_off=timedelta(0))
    machine.database_off = timedelta(0)
    for host, is_right in ((machine, True), (other, False), (machine, True)):
        machine.boot_id, machine.off = host.boot_id, host.off
        note_clocks(rt, utcnow())
        assert may_take_irreversible_steps(rt) is is_right
        machine.boot_id, machine.off = "boot", timedelta(0)
    with rt.database.read() as session:
        assert session.scalars(select(ClockSeen.boot_id)).all() == ["boot"]


def test_a_lease_does_not_expire_in_the_minute_after_a_jump(rt: Runtime, machine: Machine) -> None:
    machine.off = 8 * DAY
    assert has_just_jumped(rt) is rt.database.is_sqlite
    note_clocks(rt, utcnow())
    machine.runs += timedelta(seconds=61)
    assert not has_just_jumped(rt)


def test_nothing_is_ended_started_or_purged_while_the_clock_is_eight_days_ahead(
    rt: Runtime, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, later = utcnow(), utcnow() + 400 * DAY
    with rt.database.write() as session:
        number = make_number(session, now=now)
        running = make_campaign(session, number, status=CampaignStatus.ACTIVE, launched_at=now, now=now).id
        planned = make_campaign(session, number, status=CampaignStatus.SCHEDULED, scheduled_at=now + DAY, now=now).id
    monkeypatch.setattr("jobs.maintenance.purge.utcnow", lambda: later)
    called: list[int] = []

    def purge_slice(_session: object, _now: datetime) -> int:
        called.append(1)
        return 0

    monkeypatch.setattr("jobs.maintenance.purge.KINDS", (("things", purge_slice),))

    def state() -> list[CampaignStatus]:
        with rt.database.read() as session:
            return [session.get_one(Campaign, key).status for key in (running, planned)]

    machine.off = 8 * DAY
    monitor(rt, later)
    assert wake_scheduled(rt, later) == 0
    purge()
    assert state() == [CampaignStatus.ACTIVE, CampaignStatus.SCHEDULED]
    assert called == []
    machine.off = timedelta(0)
    monitor(rt, later)
    assert wake_scheduled(rt, later) == 1
    purge()
    assert state() == [CampaignStatus.ENDED, CampaignStatus.SCHEDULED]
    assert called == [1]


def test_the_clocks_of_this_machine_agree(rt: Runtime) -> None:
    for _ in range(2):
        note_clocks(rt, utcnow())
        assert show_clocks(rt)["problem"] is None
    with rt.database.read() as session:
        (seen,) = session.scalars(select(ClockSeen)).all()
    assert abs(seen.at - utcnow()) < timedelta(minutes=1)
    assert seen.jump_seconds is None
