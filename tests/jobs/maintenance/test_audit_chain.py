"""Copies of the audit's end show that the newest entries were taken away, also later; on both databases."""

import json
from datetime import timedelta

from jobs.core.runtime import Runtime
from jobs.maintenance.audit_chain import FILE, KEY, AuditCopies, look_after_audit
from models.audit.check import BreakKind
from models.clock import utcnow
from tests.support.audit_rows import checked, record, tamper

CUT = (
    "DELETE FROM audit WHERE id IN (SELECT audit_id FROM audit_seal WHERE number > 2)",
    "DELETE FROM audit_seal WHERE number > 2",
    "UPDATE audit_chain SET number = 2, hash = (SELECT hash FROM audit_seal WHERE number = 2)",
)


def test_both_copies_say_where_the_chain_ends(rt: Runtime) -> None:
    look_after_audit(rt, utcnow())
    assert AuditCopies(rt).read() == ([], True)
    record(rt, "a", "b", "c")
    now = utcnow()
    look_after_audit(rt, now)
    [end] = AuditCopies(rt).read()[0]
    assert (end.number, end.hash, end.at) == (3, checked(rt).hash, now)
    look_after_audit(rt, now + timedelta(minutes=1))
    assert AuditCopies(rt).read()[0] == [end], "nothing new, nothing written"


def test_a_lost_end_stays_known_after_the_chain_has_grown_again(rt: Runtime) -> None:
    record(rt, "a", "b", "c")
    look_after_audit(rt, utcnow())
    tamper(rt, *CUT)
    for name in "defgh":
        record(rt, name)
        look_after_audit(rt, utcnow())
    ends, _ = AuditCopies(rt).read()
    broken = checked(rt, ends).broken
    assert broken is not None
    assert (broken.kind, broken.until) == (BreakKind.CUT_OFF, 3)


def test_either_copy_alone_is_enough(rt: Runtime) -> None:
    record(rt, "a", "b", "c")
    look_after_audit(rt, utcnow())
    tamper(rt, *CUT)
    rt.redis.delete(KEY)
    assert checked(rt, AuditCopies(rt).read()[0]).broken is not None
    look_after_audit(rt, utcnow())
    (rt.settings.var_dir / FILE).unlink()
    assert checked(rt, AuditCopies(rt).read()[0]).broken is not None


def test_a_file_that_is_damaged_or_of_another_installation_says_nothing(rt: Runtime) -> None:
    record(rt, "a")
    for text in ("", "{", "[]", json.dumps({"installation": "other", "ends": [{"number": 9, "hash": "f", "at": "x"}]})):
        (rt.settings.var_dir / FILE).write_text(text)
        assert AuditCopies(rt).read() == ([], True)
    look_after_audit(rt, utcnow())
    assert json.loads((rt.settings.var_dir / FILE).read_text())["ends"][0]["number"] == 1
