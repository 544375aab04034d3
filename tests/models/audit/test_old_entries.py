"""Entries of a version without a chain are masked and sealed in slices, and nothing else becomes one of them; on both databases."""

import threading

import pytest
from sqlalchemy import insert, select, text

from jobs.core.runtime import Runtime
from jobs.maintenance.audit_chain import look_after_audit
from models.audit.check import BreakKind, ChainBreak
from models.audit.old_entries import seal_old_entries
from models.clock import utcnow
from models.contacts.identity import Identity
from models.contacts.resolve import resolve_contact
from models.privacy.mentions import mentions_of, wipe_audit
from models.tables.audit import Audit
from models.tables.contact import Contact
from tests.support.audit_rows import audit_ids, checked, record, tamper

MENTION = "+34600000001"


@pytest.fixture
def with_old_entries(bare_rt: Runtime) -> Runtime:
    """An installation whose first seven entries were written before there was a chain; two of them mention a number."""
    with bare_rt.database.write() as session:
        for place in range(7):
            detail = {"to": MENTION, "n": place} if place in {2, 5} else {"name": f"tag {place}"}
            row = {"at": utcnow(), "actor": "ann@example.com", "action": "test", "object_type": "tag", "object_id": "1"}
            session.execute(insert(Audit).values(**row, detail=detail))
        session.execute(text("UPDATE audit_chain SET old_last = (SELECT max(id) FROM audit)"))
    return bare_rt


def seal_slice(rt: Runtime, limit: int) -> int:
    with rt.database.write() as session:
        return seal_old_entries(session, rt.audit, limit)


def test_they_are_sealed_in_slices_behind_what_was_recorded_meanwhile(with_old_entries: Runtime) -> None:
    rt = with_old_entries
    record(rt, "new")
    check = checked(rt)
    assert (check.rows, check.waiting, check.broken) == (1, 7, None)
    assert [seal_slice(rt, 3) for _ in range(4)] == [3, 3, 1, 0]
    check = checked(rt)
    assert (check.rows, check.waiting, check.broken) == (8, 0, None)
    new, *old = audit_ids(rt)
    assert (old, new) == (sorted(old), max(audit_ids(rt)))


def test_what_identifies_people_in_them_is_masked_first(with_old_entries: Runtime) -> None:
    seal_all(with_old_entries)
    with with_old_entries.database.read() as session:
        details = list(session.scalars(select(Audit.detail).order_by(Audit.id)))
    assert MENTION not in str(details)
    assert details[2] == {"to": "…", "n": 2}
    assert details[3] == {"name": "tag 3"}


def seal_all(rt: Runtime) -> None:
    while seal_slice(rt, 100):
        pass


def test_an_entry_that_somebody_puts_among_them_is_none_of_them(with_old_entries: Runtime) -> None:
    rt = with_old_entries
    tamper(rt, "DELETE FROM audit WHERE id = 3")
    seal_all(rt)
    tamper(
        rt,
        "INSERT INTO audit (id, at, actor, action, object_type, object_id, detail)"
        " SELECT 3, at, actor, action, object_type, object_id, detail FROM audit WHERE id = 4",
    )
    assert seal_slice(rt, 100) == 0
    assert checked(rt).broken == ChainBreak(BreakKind.INSERTED, None, 3)


def test_nothing_is_sealed_where_somebody_changed_what_is_old(with_old_entries: Runtime) -> None:
    rt = with_old_entries
    seal_all(rt)
    tamper(
        rt,
        "UPDATE audit_chain SET old_last = 5000",
        "INSERT INTO audit (id, at, actor, action, object_type, object_id, detail)"
        " SELECT 4000, at, actor, action, object_type, object_id, detail FROM audit WHERE id = 4",
    )
    assert seal_slice(rt, 100) == 0
    assert checked(rt).broken == ChainBreak(BreakKind.CHANGED, 1, audit_ids(rt)[0])


def test_a_redaction_wipes_those_that_are_not_sealed_and_changes_no_hash(with_old_entries: Runtime) -> None:
    rt = with_old_entries
    assert seal_slice(rt, 4) == 4
    with rt.database.write() as session:
        contact_id = resolve_contact(session, Identity(wa_id=MENTION[1:]), utcnow())
        wipe_audit(session, [contact_id], mentions_of(session, session.get_one(Contact, contact_id)))
    assert checked(rt).broken is None
    with rt.database.read() as session:
        details = list(session.scalars(select(Audit.detail).order_by(Audit.id)))
    assert (details[2], details[5]) == ({"to": "…", "n": 2}, {"to": "redacted", "n": 5})
    seal_all(rt)
    assert checked(rt).broken is None


@pytest.mark.race
def test_redactions_and_the_job_at_once_leave_a_good_chain(with_old_entries: Runtime) -> None:
    rt = with_old_entries
    with rt.database.write() as session:
        contact_id = resolve_contact(session, Identity(wa_id=MENTION[1:]), utcnow())
        mentions = mentions_of(session, session.get_one(Contact, contact_id))

    def wipe() -> None:
        with rt.database.write() as session:
            wipe_audit(session, [contact_id], mentions)

    threads = [
        threading.Thread(target=target) for target in (wipe, lambda: seal_all(rt), wipe, lambda: seal_slice(rt, 2))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    seal_all(rt)
    check = checked(rt)
    assert (check.rows, check.waiting, check.broken) == (7, 0, None)
    with rt.database.read() as session:
        assert MENTION not in str(list(session.scalars(select(Audit.detail))))


def test_the_schedule_seals_them(rt: Runtime) -> None:
    with rt.database.write() as session:
        row = {"at": utcnow(), "actor": "x", "action": "test", "object_type": "tag", "object_id": "1", "detail": {}}
        session.execute(insert(Audit).values(row))
        session.execute(text("UPDATE audit_chain SET old_last = (SELECT max(id) FROM audit)"))
    look_after_audit(rt, utcnow())
    assert (checked(rt).rows, checked(rt).waiting) == (1, 0)
