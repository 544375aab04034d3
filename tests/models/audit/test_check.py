"""Whatever somebody with access to the database alone does to the audit is noticed; on both databases."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from jobs.core.runtime import Runtime
from models.audit.check import BreakKind, ChainBreak, ChainEnd
from models.audit.seal import ENTRY, AuditSealer, entry_hash
from models.clock import utcnow
from models.crypto import Vault, new_encryption_key
from models.tables.audit import MONITOR, Audit, AuditAction, record_audit
from models.tables.audit_chain import AuditChain, AuditSeal
from tests.support.audit_rows import audit_ids, checked, record, tamper

NAMES = ("a", "b", "c", "d", "e")
NEW_ROW = (
    "INSERT INTO audit (id, at, actor, action, object_type, object_id, detail)"
    " SELECT {id}, at, actor, action, object_type, object_id, detail FROM audit ORDER BY id LIMIT 1"
)


@pytest.mark.parametrize(
    "change",
    [
        "actor = 'bob@example.com'",
        "action = 'delete'",
        "object_id = '2'",
        "object_type = 'list'",
        "at = (SELECT max(at) FROM audit)",
        'detail = \'{"name": "other"}\'',
    ],
)
def test_a_changed_entry_is_found(bare_rt: Runtime, change: str) -> None:
    record(bare_rt, *NAMES)
    tamper(bare_rt, f"UPDATE audit SET {change} WHERE id = {audit_ids(bare_rt)[1]}")
    assert checked(bare_rt).broken == ChainBreak(BreakKind.CHANGED, 2, audit_ids(bare_rt)[1])


def test_a_removed_entry_is_found_with_its_link_and_without(bare_rt: Runtime) -> None:
    record(bare_rt, *NAMES)
    third, fourth = audit_ids(bare_rt)[2:4]
    tamper(bare_rt, f"DELETE FROM audit WHERE id = {fourth}")
    assert checked(bare_rt).broken == ChainBreak(BreakKind.MISSING, 4, fourth)
    tamper(bare_rt, f"DELETE FROM audit WHERE id = {third}", "DELETE FROM audit_seal WHERE number IN (3, 4)")
    assert checked(bare_rt).broken == ChainBreak(BreakKind.MISSING, 3, until=4)


def test_the_first_entry_cannot_be_removed_either(bare_rt: Runtime) -> None:
    record(bare_rt, *NAMES)
    first = audit_ids(bare_rt)[0]
    tamper(bare_rt, f"DELETE FROM audit WHERE id = {first}", "DELETE FROM audit_seal WHERE number = 1")
    assert checked(bare_rt).broken == ChainBreak(BreakKind.MISSING, 1, until=1)
    tamper(
        bare_rt, "UPDATE audit_chain SET start_number = 1, start_hash = (SELECT hash FROM audit_seal WHERE number = 2)"
    )
    assert checked(bare_rt).broken == ChainBreak(BreakKind.MISSING, 1, until=1)


def test_an_inserted_entry_is_found(bare_rt: Runtime) -> None:
    record(bare_rt, *NAMES)
    tamper(bare_rt, NEW_ROW.format(id=900))
    assert checked(bare_rt).broken == ChainBreak(BreakKind.INSERTED, None, 900)


def test_an_inserted_entry_does_not_become_an_old_one(bare_rt: Runtime) -> None:
    record(bare_rt, *NAMES)
    tamper(bare_rt, NEW_ROW.format(id=900), "UPDATE audit_chain SET old_last = 1000")
    assert checked(bare_rt).broken == ChainBreak(BreakKind.CHANGED, 1, audit_ids(bare_rt)[0])


def test_entries_that_changed_places_are_found(bare_rt: Runtime) -> None:
    record(bare_rt, *NAMES)
    second, third = audit_ids(bare_rt)[1:3]
    tamper(
        bare_rt,
        f"UPDATE audit_seal SET audit_id = -1 WHERE audit_id = {second}",
        f"UPDATE audit_seal SET audit_id = {second} WHERE audit_id = {third}",
        f"UPDATE audit_seal SET audit_id = {third} WHERE audit_id = -1",
    )
    assert checked(bare_rt).broken == ChainBreak(BreakKind.REORDERED, 2, third)


def test_an_end_that_was_cut_off_is_found(bare_rt: Runtime) -> None:
    record(bare_rt, *NAMES)
    end = ChainEnd(5, checked(bare_rt).hash, utcnow())
    fourth, fifth = audit_ids(bare_rt)[3:]
    tamper(bare_rt, f"DELETE FROM audit WHERE id IN ({fourth}, {fifth})", "DELETE FROM audit_seal WHERE number > 3")
    assert checked(bare_rt).broken == ChainBreak(BreakKind.CUT_OFF, 4, until=5)
    tamper(bare_rt, "UPDATE audit_chain SET number = 3, hash = (SELECT hash FROM audit_seal WHERE number = 3)")
    assert checked(bare_rt).broken is None, "the database alone cannot tell"
    assert checked(bare_rt, [end]).broken == ChainBreak(BreakKind.CUT_OFF, 4, until=5, noted_at=end.at)
    record(bare_rt, "f", "g", "h")
    assert checked(bare_rt, [end]).broken == ChainBreak(BreakKind.CUT_OFF, 5, until=5, noted_at=end.at)


def test_an_end_that_a_restore_took_is_no_break(bare_rt: Runtime) -> None:
    record(bare_rt, *NAMES)
    end = ChainEnd(9, "f" * 64, utcnow() - timedelta(minutes=1))
    assert checked(bare_rt, [end]).broken is not None
    with bare_rt.database.write() as session:
        record_audit(session, utcnow(), MONITOR, AuditAction.HOLD, "database", 1, cause="behind")
    check = checked(bare_rt, [end])
    assert (check.broken, check.restored) == (None, [end])
    later = ChainEnd(9, "e" * 64, utcnow() + timedelta(minutes=1))
    assert checked(bare_rt, [later]).broken is not None, "the database was not put back since"


def forge(rt: Runtime, sealer: AuditSealer, from_number: int) -> None:
    """Compute all links again, as somebody who has read this code and has other keys."""
    with rt.database.write() as session:
        rows = session.execute(
            select(AuditSeal, *ENTRY).join(Audit, Audit.id == AuditSeal.audit_id).order_by(AuditSeal.number)
        ).all()
        previous = rows[from_number - 2][0].hash
        for seal, *entry in rows[from_number - 1 :]:
            previous = seal.hash = entry_hash(previous, seal.number, entry)
            seal.mac = sealer.mac(previous)
        session.get_one(AuditChain, 1).hash = previous


def test_whoever_computes_the_chain_again_without_the_key_is_found(bare_rt: Runtime) -> None:
    record(bare_rt, *NAMES)
    tamper(bare_rt, f"UPDATE audit SET actor = 'bob@example.com' WHERE id = {audit_ids(bare_rt)[2]}")
    forge(bare_rt, AuditSealer(Vault((new_encryption_key(),)).audit_keys()), 3)
    assert checked(bare_rt).broken == ChainBreak(BreakKind.INSERTED, 3, until=5)


def test_a_link_beyond_the_end_is_found(bare_rt: Runtime) -> None:
    record(bare_rt, *NAMES)
    tamper(
        bare_rt, NEW_ROW.format(id=900),
        f"INSERT INTO audit_seal (number, audit_id, hash, mac) VALUES (6, 900, '{'a' * 64}', '{'b' * 64}')",
    )  # fmt: skip
    assert checked(bare_rt).broken == ChainBreak(BreakKind.INSERTED, 6, until=6)


def test_rows_of_a_retired_key_are_proven_by_those_of_the_new_one(bare_rt: Runtime) -> None:
    record(bare_rt, *NAMES)
    new = AuditSealer(Vault((new_encryption_key(),)).audit_keys())
    with bare_rt.database.write() as session:
        record_audit(session, utcnow(), "x", AuditAction.ADD, "tag", 1)
        new(session)
    bare_rt.audit = new
    assert (checked(bare_rt).rows, checked(bare_rt).broken) == (6, None)


def test_an_empty_audit_holds(bare_rt: Runtime) -> None:
    check = checked(bare_rt)
    assert (check.rows, check.number, check.broken) == (0, 0, None)
