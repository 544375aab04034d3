"""Sending an answer: what Meta says, and what then happens to those behind it."""

from datetime import timedelta

from sqlalchemy import update

from models.clock import utcnow
from models.conversations.messages import agent_message
from models.stored_texts import show_stored
from models.tables.conversation import Conversation, Message, MessageState
from models.tables.number import Number
from tests.support.chat_rig import Chat, accepts, ago, loses_the_answer, refuses
from tests.support.reply_flows import HELLO


def test_messages_carry_our_callback_data_and_go_to_the_id_that_wrote(chat: Chat) -> None:
    ann = chat.conversation("+5511987654321", wa_id="551187654321")
    chat.flow(HELLO, is_fallback=True)
    chat.says(ann, "hello")
    chat.answer()
    body = chat.meta.bodies[0]
    message = chat.sent(ann)[0]
    assert body["to"] == "+551187654321"
    assert body["biz_opaque_callback_data"] == f"h1:{chat.rt.installation}:m{message.id}:1"
    assert (message.type, message.body, message.author) == ("text", "Hi. What is your name?", "bot")


def test_what_the_bot_had_ready_is_not_sent_after_a_stop(chat: Chat) -> None:
    ann = chat.conversation()
    chat.flow(HELLO, is_fallback=True)
    chat.says(ann, "hello", at=ago(seconds=5))
    chat.meta.answers = [refuses(131016)]  # tried again later
    chat.answer()
    chat.says(ann, "stop")
    chat.answer()
    assert len(chat.meta.bodies) == 1
    assert [message.state for message in chat.sent(ann)] == [MessageState.NOT_SENT] * 2


def test_outside_the_window_nothing_is_sent_and_the_row_says_why(chat: Chat) -> None:
    ann = chat.conversation()
    chat.flow(HELLO, is_fallback=True)
    chat.says(ann, "hello", at=ago(hours=25))
    with chat.rt.database.write() as session:
        session.execute(update(Conversation).values(last_inbound_at=ago(hours=25)))
    assert chat.answer() == []
    assert [message.state for message in chat.sent(ann)] == [MessageState.NOT_SENT] * 2
    assert "24 hours" in show_stored(chat.sent(ann)[0].error_msg)


def test_after_an_unsure_message_the_next_one_still_goes(chat: Chat) -> None:
    ann = chat.conversation()
    chat.flow(HELLO, is_fallback=True)
    chat.meta.answers = [loses_the_answer]
    chat.says(ann, "hello")
    chat.answer()
    assert [message.state for message in chat.sent(ann)] == [MessageState.UNSURE, MessageState.ACCEPTED]
    chat.answer()
    assert len(chat.meta.bodies) == 2


def test_a_message_that_is_tried_again_holds_back_those_behind_it(chat: Chat) -> None:
    ann = chat.conversation()
    chat.flow(HELLO, is_fallback=True)
    chat.meta.answers = [refuses(131016)]
    chat.says(ann, "hello")
    begun = utcnow()
    chat.answer()
    first, second = chat.sent(ann)
    assert (first.state, second.state, first.error_code) == (MessageState.QUEUED, MessageState.QUEUED, 131016)
    assert first.due_at is not None
    assert begun + timedelta(seconds=1) < first.due_at < utcnow() + timedelta(seconds=5)
    with chat.rt.database.write() as session:
        session.execute(update(Message).where(Message.id == first.id).values(due_at=ago(seconds=1)))
    assert chat.answer()[1:] == ["Hi. What is your name?", "Your name?"]
    assert chat.meta.bodies[1]["biz_opaque_callback_data"].endswith(":2")


def test_a_refusal_that_is_the_message_s_own_ends_it(chat: Chat) -> None:
    ann = chat.conversation()
    chat.flow(HELLO, is_fallback=True)
    chat.meta.answers = [refuses(131051), accepts]
    chat.says(ann, "hello")
    chat.answer()
    first, second = chat.sent(ann)
    assert (first.state, first.error_code, second.state) == (MessageState.REFUSED, 131051, MessageState.ACCEPTED)


def test_a_refused_token_stops_the_number_and_loses_no_answer(chat: Chat) -> None:
    ann = chat.conversation()
    chat.flow(HELLO, is_fallback=True)
    chat.meta.answers = [refuses(190)]
    chat.says(ann, "hello")
    chat.answer()
    assert len(chat.meta.bodies) == 1
    assert [message.state for message in chat.sent(ann)] == [MessageState.QUEUED] * 2
    with chat.rt.database.read() as session:
        assert session.get_one(Number, chat.number_id).stopped_at is not None


def test_a_person_gets_no_more_than_the_pair_limit_allows(chat: Chat) -> None:
    ann = chat.conversation()
    with chat.rt.database.write() as session:
        for place in range(60):
            agent_message(session, ann, f"line {place}", "ann@example.com", utcnow())
    begun = utcnow()
    chat.answer(seconds=120.0)
    taken = utcnow() - begun  # a slow machine lets another one through every 6 s
    sent = len(chat.meta.texts)
    assert 45 <= sent <= 45 + taken / timedelta(seconds=6)
    assert chat.meta.texts == [f"line {place}" for place in range(sent)]
    waiting = [message for message in chat.sent(ann) if message.state is MessageState.QUEUED]
    assert len(waiting) == 60 - sent
    assert waiting[0].due_at is not None
    assert waiting[0].due_at > begun + timedelta(seconds=3)
