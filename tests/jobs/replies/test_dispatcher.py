"""The wake-ups of answering, and what is away while people write."""

import asyncio
import threading
import time
from collections.abc import Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import httpx
import pytest
from redis import Redis
from rq import SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy import select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from jobs.core.group_commit import GroupCommit
from jobs.core.queues import ANSWER, queue
from jobs.core.shutdown import SHUTDOWN
from jobs.core.wake_ups import ANSWER_CONTACT
from jobs.replies import answer
from jobs.replies import write as reply_write
from jobs.replies.answer import wake_repliers
from jobs.replies.pair_limit import PairLimit
from models.clock import utcnow
from models.conversations.messages import NewMessage, agent_message, queue_messages
from models.tables.conversation import Conversation, Direction, Message, MessageState
from models.tables.lane import Lane
from models.tables.number import Number
from tests.support.chat_rig import Chat, refuses

pytestmark = [pytest.mark.usefixtures("greeting"), pytest.mark.sqlite_only]

HELLO = "name: hello\nstart: a\nnodes:\n  a: {type: end, text: Hi.}\n"


@pytest.fixture
def greeting(chat: Chat) -> Iterator[None]:
    """Whoever writes gets HELLO, from this process."""
    chat.flow(HELLO, is_fallback=True)
    answer._thread_local.dispatcher = chat.desk
    yield
    answer._thread_local.dispatcher = None


def work(chat: Chat) -> None:
    """What a worker of the queue does, until the queue is empty."""
    SimpleWorker([queue(chat.rt.redis, ANSWER)], connection=chat.rt.redis, serializer=JSONSerializer).work(burst=True)


def test_a_wake_up_answers_its_conversation_and_whatever_else_waits(chat: Chat) -> None:
    people = [chat.conversation() for _ in range(3)]
    for person in people:
        chat.says(person, "hello")
    for _ in range(2):
        ANSWER_CONTACT.enqueue(chat.rt.redis, people[0])
    assert queue(chat.rt.redis, ANSWER).count == 1
    work(chat)
    assert chat.meta.texts == ["Hi."] * 3
    assert not chat.rt.redis.exists(f"hark:wake:answer:{people[0]}")


def test_a_wake_up_without_work_opens_no_lane(chat: Chat) -> None:
    answer.answer_contact(chat.conversation())
    with chat.rt.database.read() as session:
        assert session.scalars(select(Lane)).all() == []


def test_wake_ups_lost_with_redis_are_made_again(chat: Chat) -> None:
    chat.says(chat.conversation(), "hello")
    chat.rt.redis.flushall()
    assert wake_repliers(chat.rt, utcnow()) == 1
    assert wake_repliers(chat.rt, utcnow()) == 0, "one waits already"
    work(chat)
    assert chat.meta.texts == ["Hi."]
    assert wake_repliers(chat.rt, utcnow()) == 0


def test_a_conversation_that_somebody_answers_makes_no_wake_up_until_the_lease_is_over(chat: Chat) -> None:
    chat.says(chat.conversation(), "hello")
    with chat.rt.database.write() as session:
        until = utcnow() + timedelta(seconds=30)
        session.execute(update(Conversation).values(answering_by="another", answering_until=until))
    assert wake_repliers(chat.rt, utcnow()) == 0
    assert chat.answer() == []
    assert wake_repliers(chat.rt, utcnow() + timedelta(seconds=31)) == 1


def test_messages_for_later_do_not_keep_the_desk_busy(chat: Chat) -> None:
    ann = chat.conversation()
    with chat.rt.database.write() as session:
        for line in ("one", "two"):
            agent_message(session, ann, line, "ann@example.com", utcnow())
    chat.meta.answers = [refuses(131016)]
    assert chat.desk.drain(5.0) is False
    assert wake_repliers(chat.rt, utcnow()) == 0
    assert wake_repliers(chat.rt, utcnow() + timedelta(seconds=10)) == 1


def test_a_row_of_a_dead_sender_holds_back_those_behind_it_until_it_is_swept(chat: Chat) -> None:
    ann = chat.conversation()
    with chat.rt.database.write() as session:
        lane = Lane(host="h", pid=1, started_at=utcnow(), beat_at=utcnow(), expires_at=utcnow())
        session.add(lane)
        session.flush()
        for line in ("one", "two"):
            agent_message(session, ann, line, "ann@example.com", utcnow())
        session.execute(
            text("UPDATE message SET state = 'sending', attempts = 1, lane_id = :lane WHERE body = 'one'"),
            {"lane": lane.id},
        )
    assert chat.answer() == []
    with chat.rt.database.write() as session:
        session.execute(text("UPDATE message SET state = 'unsure' WHERE body = 'one'"))
    assert chat.answer() == ["two"]


def test_with_redis_away_nothing_is_sent_and_nothing_is_lost(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = chat.conversation()
    chat.says(ann, "hello")
    with Redis(unix_socket_path="/nowhere/redis.sock") as away:
        monkeypatch.setattr(chat.desk, "_pair", PairLimit(away))
        chat.answer()
    assert chat.meta.bodies == []
    assert [message.state for message in chat.sent(ann)] == [MessageState.QUEUED]
    monkeypatch.undo()
    assert chat.answer() == ["Hi."]


def test_a_slowed_number_answers_later_and_loses_nobody(chat: Chat) -> None:
    ann = chat.conversation()
    chat.says(ann, "hello")
    chat.meta.answers = [refuses(130429)]
    chat.answer()
    message = chat.sent(ann)[0]
    assert (message.state, message.error_code) == (MessageState.QUEUED, 130429)
    assert chat.rt.redis.hget(f"hark:throttle:{chat.number_id}", "factor") == b"0.5"


def test_a_slow_number_keeps_nobody_waiting_past_the_job_s_end(chat: Chat) -> None:
    with chat.rt.database.write() as session:
        session.execute(update(Number).values(messages_per_second=1))
    for _ in range(90):
        chat.says(chat.conversation(), "hello")
    begun = time.monotonic()
    assert chat.desk.drain(3.0) is True
    assert time.monotonic() - begun < 60, "90 people would need a minute and a half"
    assert 1 <= len(chat.meta.bodies) < 30
    with chat.rt.database.read() as session:
        states = set(session.scalars(select(Message.state).where(Message.direction == Direction.OUT)))
        assert states == {MessageState.QUEUED, MessageState.ACCEPTED}
        assert session.scalars(select(Conversation.id).where(Conversation.answering_by.is_not(None))).all() == []


def test_a_token_that_cannot_be_read_sends_nothing(chat: Chat) -> None:
    ann = chat.conversation()
    chat.says(ann, "hello")
    with chat.rt.database.write() as session:
        session.execute(update(Number).values(access_token="of another key"))
    chat.answer()
    assert chat.meta.bodies == []
    assert chat.sent(ann)[0].state is MessageState.QUEUED


def test_a_stopping_process_begins_nothing_more(chat: Chat) -> None:
    people = [chat.conversation() for _ in range(20)]
    for person in people:
        chat.says(person, "hello")
    chat.meta.before = lambda _body: SHUTDOWN.set()
    try:
        chat.desk.drain(20.0)
    finally:
        SHUTDOWN.clear()
        chat.meta.before = lambda _body: None
    states = [message.state for person in people for message in chat.sent(person)]
    assert MessageState.SENDING not in states
    assert MessageState.UNSURE not in states
    chat.answer()
    assert len(chat.meta.bodies) == 20


def test_one_message_that_cannot_be_answered_stands_in_nobody_s_way(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = chat.conversation()
    bad = chat.says(ann, "hello", at=utcnow() - timedelta(seconds=5))
    monkeypatch.setattr("jobs.replies.decide.route", lambda _facts: 1 / 0)
    chat.answer()
    monkeypatch.undo()
    chat.says(ann, "hello?")
    assert chat.answer() == ["Hi."]
    assert (chat.message(bad).route, chat.message(bad).route_reason) == (
        "failed",
        "answering it failed: ZeroDivisionError",
    )


def test_an_answer_that_cannot_be_written_is_put_away(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    ann, bea = chat.conversation(), chat.conversation()
    bad = chat.says(ann, "hello", at=utcnow() - timedelta(seconds=5))
    chat.says(bea, "hello")

    def refuse_ann(session: Session, messages: Sequence[NewMessage], now: datetime) -> list[int]:
        if any(message.conversation_id == ann for message in messages):
            raise TypeError("a value that no column takes")
        return queue_messages(session, messages, now)

    monkeypatch.setattr(reply_write, "queue_messages", refuse_ann)
    assert chat.answer() == ["Hi."]
    monkeypatch.undo()
    assert chat.message(bad).route == "failed"
    chat.says(ann, "hello?")
    assert chat.answer() == ["Hi.", "Hi."]
    assert [walk.status for walk in chat.walks()] == ["ended", "ended"]


def test_two_messages_under_one_id_are_never_both_accepted(chat: Chat) -> None:
    one, two = chat.conversation(), chat.conversation()
    chat.says(one, "hello")
    chat.answer()
    known = chat.sent(one)[0].wamid
    chat.meta.answers = [lambda _body: httpx.Response(200, json={"messages": [{"id": known}]})]
    chat.says(two, "hello")
    chat.answer()
    assert [message.state for message in chat.sent(two)] == [MessageState.UNSURE]


def test_writes_at_the_same_moment_share_a_transaction_and_a_bad_one_fails_alone() -> None:
    batches: list[int] = []
    gate = threading.Event()

    def work(items: dict[Hashable, int]) -> dict[Hashable, int]:
        gate.wait(60)
        batches.append(len(items))
        if any(item < 0 for item in items.values()):
            raise ValueError("bad")
        return {key: item * 2 for key, item in items.items()}

    async def run() -> list[object]:
        with ThreadPoolExecutor(1) as executor:
            group: GroupCommit[int, int] = GroupCommit(work, executor)
            asks = [asyncio.create_task(group(key, key if key != 3 else -1)) for key in range(6)]
            await asyncio.sleep(0.02)
            gate.set()
            return list(await asyncio.gather(*asks, return_exceptions=True))

    answers = asyncio.run(run())
    assert isinstance(answers[3], ValueError)
    assert [answer for place, answer in enumerate(answers) if place != 3] == [0, 2, 4, 8, 10]
    assert batches[0] == 6


def test_a_write_waits_for_a_database_that_is_away() -> None:
    failures = [1, 1]

    def work(items: dict[Hashable, int]) -> dict[Hashable, int]:
        if failures:
            failures.pop()
            raise OperationalError("statement", {}, Exception("away"))
        return dict(items)

    async def run() -> int:
        with ThreadPoolExecutor(1) as executor:
            return await GroupCommit(work, executor, patience_seconds=5.0)("key", 7)

    assert asyncio.run(run()) == 7
