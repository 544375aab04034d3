"""Old entries can be deleted by Hark and by nobody else; on both databases."""

from datetime import timedelta

from jobs.core.runtime import Runtime
from models.audit.check import BreakKind, ChainBreak
from models.audit.retention import purge_audit
from models.clock import utcnow
from models.tables.audit import AuditAction, record_audit
from models.tables.setting import write_setting
from tests.support.audit_rows import checked, tamper


def record_at_ages(rt: Runtime, *days: int) -> None:
    """An entry of each age."""
    for age in days:
        with rt.database.write() as session:
            record_audit(session, utcnow() - timedelta(days=age), "x", AuditAction.ADD, "tag", 1)


def keep(rt: Runtime, days: int) -> None:
    with rt.database.write() as session:
        write_setting(session, "keep_audit_days", days, utcnow())


def purge_slice(rt: Runtime, limit: int = 2) -> int:
    with rt.database.write() as session:
        return purge_audit(session, utcnow(), limit)


def test_the_audit_is_kept_for_good_unless_the_setting_says_otherwise(bare_rt: Runtime) -> None:
    record_at_ages(bare_rt, 4_000, 0)
    assert purge_slice(bare_rt) == 0
    assert checked(bare_rt).rows == 2


def test_what_is_older_goes_in_slices_and_the_rest_still_holds(bare_rt: Runtime) -> None:
    record_at_ages(bare_rt, 50, 49, 48, 10, 0)
    keep(bare_rt, 30)
    assert [purge_slice(bare_rt) for _ in range(3)] == [2, 1, 0]
    check = checked(bare_rt)
    assert (check.rows, check.number, check.broken) == (2, 5, None)
    record_at_ages(bare_rt, 0)
    assert (checked(bare_rt).rows, checked(bare_rt).broken) == (3, None)


def test_the_newest_entry_stays_however_old_it_is(bare_rt: Runtime) -> None:
    record_at_ages(bare_rt, 50, 49)
    keep(bare_rt, 30)
    assert [purge_slice(bare_rt) for _ in range(2)] == [1, 0]
    assert (checked(bare_rt).rows, checked(bare_rt).broken) == (1, None)


def test_nobody_else_can_shorten_it_further(bare_rt: Runtime) -> None:
    record_at_ages(bare_rt, 50, 10, 5, 0)
    keep(bare_rt, 30)
    assert purge_slice(bare_rt) == 1
    tamper(
        bare_rt,
        "UPDATE audit_chain SET start_number = 2, start_hash = (SELECT hash FROM audit_seal WHERE number = 2)",
        "DELETE FROM audit WHERE id = (SELECT audit_id FROM audit_seal WHERE number = 2)",
        "DELETE FROM audit_seal WHERE number = 2",
    )
    assert checked(bare_rt).broken == ChainBreak(BreakKind.MISSING, 1, until=2)
