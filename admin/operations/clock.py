"""Tells what the clocks show, and takes an operator's word that this machine's clock is right."""

from jobs.core.clock_check import TOLERANCE, clock_problem, read_clocks, store_moment
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from models.errors import OperatorError
from models.tables.audit import AuditAction, record_audit

SHOWN = ("now", "database", "redis")


def show_clocks(rt: Runtime) -> dict[str, str | None]:
    """Return what this machine's clock, the database's and Redis' show, and why irreversible steps wait (None if they do not)."""
    with rt.database.read() as session:
        clocks = read_clocks(rt, session)
    shown = {name: getattr(clocks, name) for name in SHOWN}
    problem = clock_problem(rt)
    return {name: at and at.isoformat(timespec="seconds") for name, at in shown.items()} | {
        "problem": None if problem is None else str(problem)
    }


@retry_conflicts
def accept_clock(rt: Runtime, actor: str) -> None:
    """Believe this machine's clock although it jumped. Raises OperatorError if the database's or Redis' shows another time."""
    with rt.database.write() as session:
        clocks = read_clocks(rt, session)
        for other in (clocks.database, clocks.redis):
            if other is not None and abs(clocks.now - other) > TOLERANCE:
                raise OperatorError(
                    "this machine's clock shows {now}, another one {other}: set the one that is wrong first",
                    now=clocks.now.isoformat(timespec="seconds"),
                    other=other.isoformat(timespec="seconds"),
                )
        store_moment(session, clocks)
        record_audit(session, clocks.now, actor, AuditAction.SET, "clock", clocks.boot_id)
