"""Every entry of the audit is sealed in its own transaction, whoever writes at the same moment; on both databases."""

import random
import threading

import pytest
from sqlalchemy import func, select

from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.tables.audit import UNSEALED, Audit, AuditAction, record_audit
from models.tables.audit_chain import AuditSeal
from models.tables.setting import write_setting
from tests.support.audit_rows import audit_ids, checked, record, tamper
from tests.support.proof import dice, rounds


def test_entries_are_numbered_and_sealed_as_they_are_committed(bare_rt: Runtime) -> None:
    record(bare_rt, "vip", "gold")
    check = checked(bare_rt)
    assert (check.rows, check.number, check.waiting, check.broken) == (2, 2, 0, None)
    assert check.first_at is not None
    with bare_rt.database.read() as session:
        assert list(session.scalars(select(AuditSeal.number).order_by(AuditSeal.number))) == [1, 2]


def test_what_is_rolled_back_leaves_neither_an_entry_nor_a_link(bare_rt: Runtime) -> None:
    def fail() -> None:
        with bare_rt.database.write() as session:
            record_audit(session, utcnow(), "x", AuditAction.ADD, "tag", 1)
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    record(bare_rt, "vip")
    check = checked(bare_rt)
    assert (check.rows, check.broken) == (1, None)


def test_an_entry_of_a_savepoint_that_was_rolled_back_is_not_sealed(bare_rt: Runtime) -> None:
    with bare_rt.database.write() as session:
        record_audit(session, utcnow(), "x", AuditAction.ADD, "tag", 1)
        inner = session.begin_nested()
        record_audit(session, utcnow(), "x", AuditAction.ADD, "tag", 2)
        session.flush()
        inner.rollback()
        record_audit(session, utcnow(), "x", AuditAction.ADD, "tag", 3)
    with bare_rt.database.read() as session:
        assert list(session.scalars(select(Audit.object_id).order_by(Audit.id))) == ["1", "3"]
    assert (checked(bare_rt).rows, checked(bare_rt).broken) == (2, None)


def test_no_entry_is_sealed_twice_by_one_session(bare_rt: Runtime) -> None:
    with bare_rt.database.write() as session:
        record_audit(session, utcnow(), "x", AuditAction.ADD, "tag", 1)
        bare_rt.audit(session)
        assert UNSEALED not in session.info
    assert (checked(bare_rt).rows, checked(bare_rt).broken) == (1, None)


def test_details_of_every_kind_are_what_the_database_gives_back(bare_rt: Runtime) -> None:
    odd = {"float": 1.10, "big": 2**53 + 1, "minus": -0.0, "text": "é\u2028😀", "deep": {"b": [1, None, True], "a": {}}}
    with bare_rt.database.write() as session:
        record_audit(session, utcnow(), "x", AuditAction.CHANGE, "setting", "odd", **odd)
    assert checked(bare_rt).broken is None


def test_an_operator_is_not_stopped_by_a_chain_whose_end_somebody_deleted(bare_rt: Runtime) -> None:
    record(bare_rt, "vip")
    tamper(bare_rt, "DELETE FROM audit_chain")
    assert checked(bare_rt).broken is not None
    record(bare_rt, "gold")
    assert len(audit_ids(bare_rt)) == 2


@pytest.mark.race
def test_many_writers_at_once_make_one_chain_and_no_deadlock(bare_rt: Runtime) -> None:
    """Each also locks rows that others lock, in the same order, before it records something."""
    writers, each = 6, rounds(5, 60)
    chance = dice(8_231)
    seeds = [chance.randrange(10**9) for _ in range(writers)]
    errors: list[BaseException] = []

    def write(seed: int) -> None:
        own = random.Random(seed)
        try:
            for place in range(each):
                with bare_rt.database.write() as session:
                    if own.random() < 0.5:
                        write_setting(session, "stop_answer", str(place), utcnow())
                        session.flush()
                    for _ in range(own.randint(1, 3)):
                        record_audit(session, utcnow(), f"writer {seed}", AuditAction.CHANGE, "setting", "stop_answer")
        except BaseException as error:  # noqa: BLE001 - shown by the test's own thread
            errors.append(error)

    with bare_rt.database.write() as session:
        write_setting(session, "stop_answer", "", utcnow())
    threads = [threading.Thread(target=write, args=(seed,)) for seed in seeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert errors == []
    check = checked(bare_rt)
    with bare_rt.database.read() as session:
        count = session.scalar(select(func.count()).select_from(Audit)) or 0
    assert count >= writers * each
    assert (check.rows, check.broken) == (count, None)
