"""What one batch of events does: stores, wakes, pauses, asks Meta; and the same events again change nothing."""

import time
from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from bot.webhooks.stream import EventStream
from jobs.core.queues import ANSWER, CHORES
from jobs.core.runtime import Runtime
from jobs.ingest.consumer import Consumer
from jobs.maintenance.meta_sync import wake_syncs
from models.clock import utcnow
from models.tables.campaign import Campaign, CampaignStatus, PauseReason
from models.tables.conversation import Message
from models.tables.number import Number, Waba
from models.tables.recipient import Recipient, RecipientState
from tests.support.factories.campaigns import make_campaign, make_number, make_recipient
from tests.support.factories.contacts import alice
from tests.support.ingest_rig import recorded, seed, status_body


def test_a_message_is_stored_and_whoever_answers_is_woken_once(
    rt: Runtime, stream: EventStream, consumer: Consumer
) -> None:
    seed(rt)
    for name in ("message_text", "message_quote", "message_reaction"):
        stream.append(recorded(name))
    consumer.run_once()
    assert (rt.redis.llen(f"rq:queue:{ANSWER}"), rt.redis.exists("hark:wake:answer:ingest")) == (1, 1)
    with rt.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 3


def test_a_paused_template_pauses_its_campaign_and_an_approved_one_is_asked_about(
    rt: Runtime, stream: EventStream, consumer: Consumer
) -> None:
    seed(rt)
    stream.append(recorded("template_paused"))
    stream.append(recorded("template_approved", **{"1795341600": "1795349999"}))
    consumer.run_once()
    with rt.database.read() as session:
        assert session.scalars(select(Campaign.pause_reason)).all() == [PauseReason.TEMPLATE_PAUSED]
    assert rt.redis.llen(f"rq:queue:{CHORES}") == 1


def test_a_reading_that_an_event_asks_for_is_made_again_should_its_wake_up_be_lost(
    rt: Runtime, stream: EventStream, consumer: Consumer
) -> None:
    seed(rt)
    now = utcnow()
    with rt.database.write() as session:
        session.execute(update(Waba).values(templates_synced_at=now))
        session.execute(update(Number).values(read_at=now))
    assert wake_syncs(rt, now) == 0
    stream.append(recorded("template_approved"))
    consumer.run_once()
    rt.redis.flushall()
    assert wake_syncs(rt, now) == 1


@pytest.mark.parametrize(("code", "reason"), [(132015, PauseReason.TEMPLATE_PAUSED), (131042, PauseReason.PAYMENT)])
def test_a_failure_that_concerns_everybody_stops_the_campaign_if_it_is_fresh(
    rt: Runtime,
    stream: EventStream,
    consumer: Consumer,
    code: int,
    reason: PauseReason,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys = seed(rt, 2)
    errors: dict[str, Any] = {"errors": [{"code": code, "title": "no"}]}
    stream.append(status_body(rt, (keys[0], "w0", "failed"), at=int(time.time()) - 3600, **errors))
    consumer.run_once()
    with rt.database.read() as session:
        assert session.scalars(select(Campaign.status)).all() == [CampaignStatus.ACTIVE]
    stream.append(status_body(rt, (keys[1], "w1", "failed"), **errors))

    def dies(*_: object) -> None:
        raise SystemExit

    monkeypatch.setattr(Consumer, "_after_commit", dies)
    with pytest.raises(SystemExit):
        consumer.run_once()
    with rt.database.read() as session:
        assert session.scalars(select(Campaign.pause_reason)).all() == [reason]
        stopped = session.scalar(select(Number.stopped_at))
    assert (stopped is not None) == (code == 131042)


def test_the_same_events_twice_change_nothing(rt: Runtime, stream: EventStream, consumer: Consumer) -> None:
    [key] = seed(rt)
    bodies = [status_body(rt, (key, "w0", kind), at=1795341601) for kind in ("sent", "delivered", "read")]
    bodies += [recorded("message_text"), recorded("template_quality"), recorded("preference_stop")]

    def state() -> list[Any]:
        tables = ("recipient", "message", "conversation", "contact", "template", "audit", "consent_event")
        with rt.database.read() as session:
            return [sorted(map(str, session.execute(text(f"SELECT * FROM {table}")))) for table in tables]

    for body in bodies:
        stream.append(body)
    consumer.run_once()
    before = state()
    for body in reversed(bodies):
        stream.append(body)
        consumer.run_once()
    assert state() == before


def test_alice_is_answered_though_her_message_comes_with_statuses(
    rt: Runtime, stream: EventStream, consumer: Consumer
) -> None:
    with rt.database.write() as session:
        number = make_number(session, phone_number_id="106540352242922")
        row = make_recipient(
            session,
            make_campaign(session, number),
            alice(session),
            state=RecipientState.UNSURE,
            attempts=1,
            unsure_at=utcnow(),
        )
        key = row.id
    stream.append(status_body(rt, (key, "wamid.campaign", "sent")))
    stream.append(recorded("message_stop", **{"1795341600": str(int(time.time()))}))
    consumer.run_once()
    with rt.database.read() as session:
        found = session.get_one(Recipient, key)
        assert (found.status, found.is_replied) == ("sent", True)
