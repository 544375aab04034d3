"""Entries of the audit for tests, and the check that `flask audit verify` makes."""

from collections.abc import Sequence

from sqlalchemy import select, text

from jobs.core.runtime import Runtime
from models.audit.check import ChainCheck, ChainEnd, check_chain
from models.clock import utcnow
from models.tables.audit import AuditAction, record_audit
from models.tables.audit_chain import AuditSeal


def record(rt: Runtime, *names: str) -> None:
    """An entry for each name, each in a transaction of its own."""
    for name in names:
        with rt.database.write() as session:
            record_audit(session, utcnow(), "ann@example.com", AuditAction.ADD, "tag", 1, name=name)


def checked(rt: Runtime, ends: Sequence[ChainEnd] = ()) -> ChainCheck:
    """The state of the chain."""
    with rt.database.read() as session:
        return check_chain(session, rt.audit, ends)


def tamper(rt: Runtime, *statements: str) -> None:
    """Change the database as somebody who has nothing but the database."""
    with rt.database.write() as session:
        for statement in statements:
            session.execute(text(statement))


def audit_ids(rt: Runtime) -> list[int]:
    """The ids of the sealed entries, in the order of the chain."""
    with rt.database.read() as session:
        return list(session.scalars(select(AuditSeal.audit_id).order_by(AuditSeal.number)))
