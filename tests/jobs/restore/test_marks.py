"""Opt-outs and redactions that a lost database knew are not forgotten with it; on both databases."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from jobs.core.runtime import Runtime
from jobs.restore import marks
from jobs.restore.epoch_copies import EpochCopies
from jobs.restore.marks import keep_marks
from jobs.restore.watch import look_after_holds
from models.clock import utcnow
from models.contacts.consent import opt_in, opt_out, set_consent
from models.privacy.redact import redact_person
from models.restore.marks import ConsentMark, consent_marks
from models.sending.epoch import raise_epoch
from models.tables.contact import Consent, Contact
from tests.support.database_copy import copy_database, restored
from tests.support.factories.contacts import make_contact

LONG_AGO = utcnow() - timedelta(days=30)


@pytest.fixture
def subscribers(rt: Runtime) -> dict[str, int]:
    """Contacts by their names, all subscribed."""
    with rt.database.write() as session:
        names = ("stays", "stops", "wiped", "returns", "knows_better")
        made = {name: make_contact(session, f"+3460099000{place}", name=name).id for place, name in enumerate(names)}
        set_consent(session, made.values(), Consent.SUBSCRIBED, LONG_AGO, source="web")
    look_after_holds(rt, utcnow())
    keep_marks(rt, utcnow())
    return made


def begin_to_send(rt: Runtime) -> None:
    with rt.database.write() as session:
        epoch = raise_epoch(session)
    EpochCopies(rt).keep(epoch)


def consents(rt: Runtime, subscribers: dict[str, int]) -> dict[str, str]:
    with rt.database.read() as session:
        found = {row.id: row.consent for row in session.execute(select(Contact.id, Contact.consent))}
    return {name: str(found[key]) for name, key in subscribers.items()}


def test_whoever_left_or_was_wiped_after_the_copy_is_so_again(
    rt: Runtime, subscribers: dict[str, int], tmp_path: Path
) -> None:
    copy = copy_database(rt, tmp_path)
    begin_to_send(rt)
    now = utcnow()
    with rt.database.write() as session:
        opt_out(session, subscribers["stops"], now, "STOP")
        opt_out(session, subscribers["returns"], now - timedelta(hours=2), "STOP")
        opt_in(session, subscribers["returns"], now - timedelta(hours=1), "START")
        opt_out(session, subscribers["wiped"], now, "STOP")
        redact_person(session, subscribers["wiped"], rt.vault, now, "ann@example.com")
    keep_marks(rt, now)
    keep_marks(rt, now)  # what is read again changes nothing

    with restored(rt, copy) as found:
        assert set(consents(found, subscribers).values()) == {"subscribed"}
        look_after_holds(found, utcnow())
        assert consents(found, subscribers) == {
            "stays": "subscribed",
            "stops": "unsubscribed",
            "wiped": "redacted",
            "returns": "subscribed",
            "knows_better": "subscribed",
        }
        keep_marks(found, utcnow())  # the ids of its rows began anew
        with found.database.write() as session:
            opt_out(session, subscribers["stays"], utcnow(), "STOP")
        keep_marks(found, utcnow())
        assert rt.redis.zcard(f"hark:marks:stops:{rt.installation}") == 2


def test_an_opt_in_of_the_copy_that_is_newer_than_the_mark_stays(
    rt: Runtime, subscribers: dict[str, int], tmp_path: Path
) -> None:
    now = utcnow()
    with rt.database.write() as session:
        opt_out(session, subscribers["knows_better"], now - timedelta(hours=3), "STOP")
    keep_marks(rt, now)
    with rt.database.write() as session:
        opt_in(session, subscribers["knows_better"], now - timedelta(hours=1), "START")
    copy = copy_database(rt, tmp_path)  # the schedule did not run any more
    begin_to_send(rt)
    with restored(rt, copy) as found:
        look_after_holds(found, utcnow())
        assert consents(found, subscribers)["knows_better"] == "subscribed"


def test_marks_hold_nobody_s_number_and_end_after_ninety_days(rt: Runtime, subscribers: dict[str, int]) -> None:
    with rt.database.write() as session:
        opt_out(session, subscribers["stops"], utcnow(), "STOP")
    keep_marks(rt, utcnow())
    name = f"hark:marks:stops:{rt.installation}"
    (mark,) = rt.redis.zrange(name, 0, -1)
    assert b"34600990" not in mark
    keep_marks(rt, utcnow() + timedelta(days=91))
    assert rt.redis.zcard(name) == 0


def test_what_was_copied_is_not_read_again_until_something_new_is_there(
    rt: Runtime, subscribers: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []

    def watched(*arguments: Any) -> list[ConsentMark]:
        found = consent_marks(*arguments)
        read.append(len(found))
        return found

    monkeypatch.setattr(marks, "consent_marks", watched)
    for _ in range(3):
        keep_marks(rt, utcnow())
    assert read == []
    with rt.database.write() as session:
        opt_out(session, subscribers["stops"], utcnow(), "STOP")
    for _ in range(3):
        keep_marks(rt, utcnow())
    assert read == [1]
    assert rt.redis.zcard(f"hark:marks:stops:{rt.installation}") == 1
