"""The bot is silent while another responder on the number has the conversation, and takes it again when it is handed back."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from admin.operations.inbox import send_answer, start_flow
from jobs.replies.decide import decide
from models.clock import utcnow
from models.conversations.control import Evidence, answered_elsewhere, record_control
from models.errors import OperatorError
from models.events.messages.double_opt_in import CONFIRMED
from models.tables.conversation import Conversation, Message, MessageState
from models.tables.setting import write_setting
from tests.support.chat_rig import TWO, Chat, ago, refuses


def taken(chat: Chat, conversation_id: int, **since: float) -> None:
    """Another responder took the conversation."""
    with chat.rt.database.write() as session:
        record_control(session, conversation_id, Evidence.TAKEN, ago(**since), utcnow())


def passed(chat: Chat, conversation_id: int) -> None:
    with chat.rt.database.write() as session:
        record_control(session, conversation_id, Evidence.PASSED, utcnow(), utcnow())


def test_the_bot_says_nothing_while_another_has_the_conversation_and_goes_on_once_it_is_ours(chat: Chat) -> None:
    chat.flow(TWO, is_fallback=True)
    ann = chat.conversation()
    taken(chat, ann, minutes=1)
    message = chat.says(ann, "hello", at=ago(minutes=2))
    assert chat.answer() == []
    assert (chat.message(message).route, chat.walks(), chat.unread()) == ("elsewhere", [], [ann])
    passed(chat, ann)
    chat.says(ann, "hello again")
    assert chat.answer() == ["Hello.", "Your name?"]


def test_a_running_flow_stops_when_the_conversation_is_taken(chat: Chat) -> None:
    chat.flow(TWO, is_fallback=True)
    ann, bea = chat.conversation("+34600010001"), chat.conversation("+34600010002")
    chat.says(ann, "hello")
    chat.says(bea, "hello")
    assert len(chat.answer()) == 4
    taken(chat, ann, seconds=-1)
    chat.says(ann, "Ann")
    chat.says(bea, "Bea")
    assert chat.answer()[4:] == ["Thanks!"]
    assert sorted(walk.ended_reason or "" for walk in chat.walks()) == ["answered_elsewhere", "done"]


@pytest.mark.parametrize(("word", "route"), [("STOP", "stop"), ("yes", "start")])
def test_a_stop_or_a_start_is_obeyed_and_not_answered(chat: Chat, word: str, route: str) -> None:
    ann = chat.conversation()
    with chat.rt.database.write() as session:
        for key in ("stop_answer", "start_answer"):
            write_setting(session, key, "We heard you.", utcnow())
    message = chat.says(ann, word, at=ago(minutes=2))
    if route == "start":
        with chat.rt.database.write() as session:
            session.execute(update(Message).where(Message.id == message).values(route=CONFIRMED))
    taken(chat, ann, minutes=1)
    assert chat.answer() == []
    assert chat.message(message).route == route


def test_a_reply_that_was_planned_before_the_conversation_was_taken_is_not_written(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat.flow(TWO, is_fallback=True)
    ann = chat.conversation()
    message = chat.says(ann, "hello")
    waiting: list[Callable[[], None]] = [lambda: taken(chat, ann, seconds=-1)]

    def decided(*args: Any) -> Any:
        plan = decide(*args)
        while waiting:
            waiting.pop()()
        return plan

    monkeypatch.setattr("jobs.replies.store.decide", decided)
    assert chat.answer() == []
    assert chat.message(message).route == "elsewhere"


def test_an_agents_answer_that_meta_takes_takes_the_conversation_over(chat: Chat) -> None:
    ann = chat.conversation()
    taken(chat, ann, seconds=-1)
    chat.meta.answers = [refuses(131070)]
    send_answer(chat.rt, ann, "A human here.", "ann@example.com")
    chat.answer()
    with chat.rt.database.read() as session:
        assert answered_elsewhere(session, [ann]) == {ann}
    send_answer(chat.rt, ann, "Still here.", "ann@example.com")
    chat.answer()
    with chat.rt.database.read() as session:
        assert answered_elsewhere(session, [ann]) == set()
    with chat.rt.database.write() as session:
        record_control(session, ann, Evidence.STANDBY, utcnow() + timedelta(seconds=2), utcnow())
        assert answered_elsewhere(session, [ann]) == {ann}


def test_nobody_starts_a_flow_in_it_and_a_hand_over_from_before_is_dropped(chat: Chat) -> None:
    flow_id = chat.flow(TWO)
    ann = chat.conversation()
    with chat.rt.database.write() as session:
        session.get_one(Conversation, ann).handed_flow_id = flow_id
    taken(chat, ann, seconds=-1)
    assert chat.answer() == []
    with chat.rt.database.read() as session:
        assert session.get_one(Conversation, ann).handed_flow_id is None
    with pytest.raises(OperatorError, match="Another responder"):
        start_flow(chat.rt, ann, flow_id, "ann@example.com")


def test_an_answer_that_meta_refuses_for_another_responder_reaches_people_and_silences_the_bot(chat: Chat) -> None:
    chat.flow(TWO, is_fallback=True)
    ann = chat.conversation()
    chat.meta.answers = [refuses(131070)]
    chat.says(ann, "hello", at=utcnow() - timedelta(seconds=5))
    chat.answer()
    assert [message.state for message in chat.sent(ann)] == [MessageState.REFUSED, MessageState.NOT_SENT]
    assert chat.unread() == [ann]
    with chat.rt.database.read() as session:
        assert answered_elsewhere(session, [ann]) == {ann}
