"""Statuses that are early: they wait for their row."""

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from bot.webhooks.stream import EventStream
from jobs.core.runtime import Runtime
from jobs.ingest.consumer import Consumer
from models.events import parked as parking
from models.tables.recipient import Recipient
from models.tables.webhook_event import ParkedStatus
from tests.support.ingest_rig import counts, poison, seed, status_body, tally


def test_a_status_that_is_early_waits_for_its_row(rt: Runtime, stream: EventStream, consumer: Consumer) -> None:
    [key] = seed(rt)
    with rt.database.write() as session:
        session.execute(text("UPDATE recipient SET state = 'queued', wamid = NULL, accepted_at = NULL, attempts = 0"))
    stream.append(status_body(rt, (key, "w0", "delivered")))
    consumer.run_once()
    assert tally(rt) == {"queued": 1}
    with rt.database.write() as session:
        session.execute(text("UPDATE recipient SET attempts = 1, state = 'unsure'"))
    consumer._retried_at = float("-inf")
    consumer.run_once()
    assert tally(rt) == {"delivered": 1}
    with rt.database.read() as session:
        assert session.scalar(select(func.count()).select_from(ParkedStatus)) == 0


@pytest.mark.parametrize("fault", ["the database refuses it", "a shape that nobody reads"])
def test_a_parked_status_that_cannot_be_applied_is_dropped_and_the_others_are_applied(
    rt: Runtime,
    stream: EventStream,
    consumer: Consumer,
    fault: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys = seed(rt, 3)
    with rt.database.write() as session:
        session.execute(text("UPDATE recipient SET state = 'queued', wamid = NULL, accepted_at = NULL, attempts = 0"))
    for place, key in enumerate(keys):
        stream.append(status_body(rt, (key, f"w{place}", "delivered")))
    consumer.run_once()
    with rt.database.write() as session:
        session.execute(text("UPDATE recipient SET attempts = 1, state = 'unsure'"))
        if fault == "a shape that nobody reads":
            row = session.scalars(select(ParkedStatus).where(ParkedStatus.wamid == "w1")).one()
            row.status = {"said": "a secret"}
        else:
            poison(monkeypatch, "w1", IntegrityError("UPDATE a secret", {}, Exception("duplicate wamid")), parking)
        readable = session.scalars(select(ParkedStatus).where(ParkedStatus.wamid == "w0")).one()
        session.add(
            ParkedStatus(wamid="old", status=readable.status, first_at=readable.first_at, expires_at=readable.first_at)
        )
    consumer._retried_at = float("-inf")
    consumer.run_once()
    with rt.database.read() as session:
        found = session.scalars(select(Recipient.status).where(Recipient.id.in_(keys)).order_by(Recipient.id)).all()
        assert found == ["delivered", "unsure", "delivered"]
        assert session.scalar(select(func.count()).select_from(ParkedStatus)) == 0
    assert counts(rt)["dropped"] == 2
    assert "a secret" not in caplog.text
