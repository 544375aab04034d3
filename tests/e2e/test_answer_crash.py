"""Whoever answers may die at any instruction: nobody is answered twice, and no reply is left lying."""

import itertools
import threading
import time
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from jobs.core.runtime import Runtime, use_runtime
from jobs.replies.answer import answer_waiting, close_dispatcher
from jobs.sending.lease import sweep_lost_lanes
from models.clock import utcnow
from models.tables.conversation import Conversation, Direction, Message, MessageState
from models.tables.flow import FlowSession
from models.tables.lane import Lane
from tests.support.chat_rig import people_write, worker
from tests.support.proof import dice, rounds
from tests.support.sending_rig import Sending


def leases_run_out(rt: Runtime) -> None:
    """What time does to a dead process's lane and claims."""
    with rt.database.write() as session:
        past = utcnow() - timedelta(minutes=1)
        session.execute(update(Lane).where(Lane.ended_at.is_(None)).values(expires_at=past))
        session.execute(
            update(Conversation).where(Conversation.answering_until.is_not(None)).values(answering_until=past)
        )
    sweep_lost_lanes(rt, utcnow())


def assert_everybody_was_answered_once(sending: Sending, count: int) -> Counter[str]:
    sending.sandbox.wait_at_rest()
    received = sending.sandbox.stats(with_callbacks=True)["callbacks"]["counts"]
    ids = Counter(key.rsplit(":", 1)[0] for key in received for _ in range(received[key]))
    assert set(ids.values()) <= {1}, "a message arrived twice"
    with sending.rt.database.read() as session:
        unhandled = select(func.count()).where(Message.direction == Direction.IN, Message.handled_at.is_(None))
        assert session.scalar(unhandled) == 0
        walks = session.execute(select(FlowSession.contact_id, func.count()).group_by(FlowSession.contact_id)).all()
        assert len(walks) == count
        assert {number for _, number in walks} == {1}
        rows = session.execute(select(Message.id, Message.state).where(Message.direction == Direction.OUT)).all()
    states = Counter(str(row.state) for row in rows)
    assert states["accepted"] + states["unsure"] == 2 * count
    taken = {int(key.rsplit(":m", 1)[1]) for key in ids}
    assert {row.id for row in rows if row.state is MessageState.ACCEPTED} <= taken
    assert taken <= {row.id for row in rows}
    return states


def is_settled(sending: Sending, count: int) -> bool:
    """What became of every answer is known."""
    settled = (MessageState.ACCEPTED, MessageState.UNSURE)
    with sending.rt.database.read() as session:
        query = select(func.count()).where(Message.direction == Direction.OUT, Message.state.in_(settled))
        return session.scalar(query) == 2 * count


@pytest.mark.race
@pytest.mark.sqlite_unless_proved
def test_many_desks_at_once_answer_everybody_once_and_in_order(sending: Sending) -> None:
    count = rounds(120, 1200)
    people_write(sending, count)

    end = time.monotonic() + rounds(80.0, 300.0)

    def desk() -> None:
        with use_runtime(sending.rt):
            # A drain ends while crowded answers are postponed; the schedule then wakes the next one.
            while not is_settled(sending, count) and time.monotonic() < end:
                answer_waiting(sending.rt, end - time.monotonic())
                time.sleep(0.1)
            close_dispatcher()

    threads = [threading.Thread(target=desk) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(rounds(90, 600))
    assert assert_everybody_was_answered_once(sending, count) == Counter(accepted=2 * count)
    with sending.rt.database.read() as session:
        order: dict[int, list[str | None]] = {}
        query = select(Message).where(Message.direction == Direction.OUT).order_by(Message.accepted_at, Message.id)
        for message in session.scalars(query):
            order.setdefault(message.conversation_id, []).append(message.body)
        assert all(bodies == ["Hello.", "Your name?"] for bodies in order.values())


@pytest.mark.crash
@pytest.mark.sqlite_unless_proved
def test_killing_whoever_answers_doubles_and_loses_nothing(sending: Sending) -> None:
    count = rounds(160, 2400)
    chance = dice(42)
    sending.sandbox.configure(latency_seconds=0.05)
    people_write(sending, count)
    kills = 0
    for _ in range(rounds(4, 60)):
        process = worker(sending.rt)
        begun = sending.sandbox.stats()["accepted"]["total"]
        end = time.monotonic() + 60
        while (
            sending.sandbox.stats()["accepted"]["total"] == begun and process.poll() is None and time.monotonic() < end
        ):
            time.sleep(0.01)
        time.sleep(chance.uniform(0.0, 0.25))
        if process.poll() is None:
            process.kill()
            kills += 1
        process.wait()
        leases_run_out(sending.rt)
    # What a killed child was just committing may appear after the first look; its lease runs out like any. A desk that the machine
    # keeps from renewing its own lease stops, and the next one goes on.
    end = time.monotonic() + 300
    for look in itertools.count():
        answer_waiting(sending.rt, 300.0)
        close_dispatcher()
        leases_run_out(sending.rt)
        if (look and is_settled(sending, count)) or time.monotonic() > end:
            break
    states = assert_everybody_was_answered_once(sending, count)
    assert kills >= rounds(2, 20)
    assert states["unsure"] <= kills * 192
