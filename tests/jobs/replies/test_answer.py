"""Answering people: routed once, in order, sent at most once."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import select, update

from models.clock import utcnow
from models.conversations.cases import open_case, open_cases
from models.conversations.messages import agent_message, queue_flow_start
from models.events.messages.double_opt_in import CONFIRMED
from models.stored_texts import show_stored
from models.tables.contact import Consent, Contact
from models.tables.conversation import Conversation, Message, MessageState
from models.tables.flow import FlowSession, FunnelStep, SessionStatus
from models.tables.lane import Lane
from models.tables.number import Number
from models.tables.setting import write_setting
from models.tables.tag import ContactTag
from tests.support.chat_rig import Chat, accepts, ago, chatting, loses_the_answer, refuses

SPRING = """
name: spring_replies
start: welcome
nodes:
  welcome:
    type: message
    text: "Hello {first_name|there}! Interested in {campaign}?"
    step: welcomed
    buttons:
      - {title: "Yes", next: size}
      - {title: "No", next: bye}
  size:
    type: ask
    text: "Which size?"
    step: interested
    expect: number
    min: 30
    max: 50
    error: "A number from 30 to 50, please."
    tag: shoe_size
    next: done
  done: {type: end, text: "Noted: {answers.size}."}
  bye: {type: handoff, text: "A colleague will write to you.", reason: "said no"}
"""
HELLO = """
name: hello
start: a
keywords: [opening hours]
nodes:
  a: {type: message, text: "Hi. What is your name?", next: b}
  b: {type: ask, text: "Your name?", attribute: nickname, next: c}
  c: {type: end, text: "Thanks!"}
"""


@pytest.fixture
def chat(database_url: str, redis: Redis, redis_url: str, tmp_path: Path) -> Iterator[Chat]:
    with chatting(database_url, redis_url, tmp_path) as found:
        yield found


def test_a_reply_walks_through_the_campaign_s_flow_to_its_end(chat: Chat) -> None:
    ann = chat.conversation()
    _, recipient_id, _ = chat.campaign(ann, chat.flow(SPRING))
    first = chat.says(ann, "hello")
    assert chat.answer() == ["Hello Ann! Interested in Spring?"]
    handled = chat.message(first)
    assert (handled.route, handled.handled_at is not None) == ("campaign", True)
    assert "engaged in campaign" in (handled.route_reason or "")

    second = chat.says(ann, "Yes", payload=chat.meta.buttons["Yes"])
    chat.answer()
    chat.says(ann, "12")
    chat.answer()
    chat.says(ann, "42")
    assert chat.answer()[1:] == ["Which size?", "A number from 30 to 50, please.", "Noted: 42."]
    assert chat.message(second).route == "session"

    with chat.rt.database.read() as session:
        steps = session.scalars(select(FunnelStep.step).where(FunnelStep.recipient_id == recipient_id))
        assert sorted(steps) == ["interested", "welcomed"]
        assert "42" in session.scalars(select(ContactTag.value)).all()
    assert [(walk.status, walk.ended_reason) for walk in chat.walks()] == [(SessionStatus.ENDED, "done")]
    assert all(message.state is MessageState.ACCEPTED and message.wamid for message in chat.sent(ann))


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


def test_everybody_is_answered_in_one_go_and_each_in_order(chat: Chat) -> None:
    chat.flow(HELLO, is_fallback=True)
    people = [chat.conversation(f"+3460001{place:04d}") for place in range(40)]
    for person in people:
        chat.says(person, "hello")
    assert len(chat.answer()) == 80
    for person in people:
        messages = chat.sent(person)
        assert [message.body for message in messages] == ["Hi. What is your name?", "Your name?"]
        times = [message.accepted_at for message in messages]
        assert times == sorted(times, key=lambda time: time or utcnow())
    with chat.rt.database.read() as session:
        lane = session.scalars(select(Lane)).one()
        assert lane.number_id is None
        assert lane.ended_at is not None
        assert (
            session.scalars(select(Conversation.answering_by).where(Conversation.answering_by.is_not(None))).all() == []
        )


def test_several_messages_are_taken_by_meta_s_time(chat: Chat) -> None:
    ann = chat.conversation()
    chat.flow(HELLO, is_fallback=True)
    late = chat.says(ann, "Ann", at=ago(seconds=1))
    early = chat.says(ann, "hello", at=ago(seconds=9))
    assert chat.answer() == ["Hi. What is your name?", "Your name?", "Thanks!"]
    assert [chat.message(key).route for key in (early, late)] == ["fallback", "session"]
    with chat.rt.database.read() as session:
        assert session.scalars(select(Contact.attributes)).one() == {"nickname": "Ann"}


def test_with_no_flow_at_all_the_message_says_so(chat: Chat) -> None:
    ann = chat.conversation()
    message = chat.says(ann, "hello")
    assert chat.answer() == []
    handled = chat.message(message)
    assert (handled.route, handled.route_reason) == ("nothing", "no bot flow is meant and there is no fallback flow")


def test_a_keyword_begins_its_flow(chat: Chat) -> None:
    ann = chat.conversation()
    chat.flow(HELLO)
    message = chat.says(ann, "Opening hours?")
    assert chat.answer()[0] == "Hi. What is your name?"
    assert chat.message(message).route == "keyword"


def test_a_session_keeps_the_version_it_began_with(chat: Chat) -> None:
    ann, bea = chat.conversation("+34600010001"), chat.conversation("+34600010002")
    chat.flow(HELLO, is_fallback=True)
    chat.says(ann, "hello")
    chat.answer()
    chat.flow(HELLO.replace("Thanks!", "Thank you very much!"))
    chat.says(ann, "Ann")
    chat.answer()
    chat.says(bea, "hello")
    chat.answer()
    chat.says(bea, "Bea")
    assert chat.answer()[2] == "Thanks!"
    assert chat.meta.texts[-1] == "Thank you very much!"


def test_an_open_case_keeps_the_bot_out(chat: Chat) -> None:
    ann = chat.conversation()
    chat.campaign(ann, chat.flow(SPRING))
    chat.says(ann, "hello")
    chat.answer()
    with chat.rt.database.write() as session:
        contact_id = session.scalars(select(Conversation.contact_id)).one()
        open_case(session, contact_id, utcnow(), opened_by="ann@example.com")
    message = chat.says(ann, "Yes", payload=chat.meta.buttons["Yes"])
    assert len(chat.answer()) == 1
    assert chat.message(message).route == "case"
    assert chat.walks()[0].ended_reason == "case"


def test_a_hand_off_opens_a_case_after_its_last_words(chat: Chat) -> None:
    ann = chat.conversation()
    chat.campaign(ann, chat.flow(SPRING))
    chat.says(ann, "hello")
    chat.answer()
    chat.says(ann, "No", payload=chat.meta.buttons["No"])
    assert chat.answer()[-1] == "A colleague will write to you."
    with chat.rt.database.read() as session:
        contact_id = session.scalars(select(Conversation.contact_id)).one()
        assert contact_id in open_cases(session, [contact_id])
    assert chat.walks()[0].ended_reason == "handed_off"


def test_a_stop_gets_no_bot_and_ends_the_walk(chat: Chat) -> None:
    ann = chat.conversation()
    chat.campaign(ann, chat.flow(SPRING))
    chat.says(ann, "hello")
    chat.answer()
    message = chat.says(ann, "STOP")
    assert len(chat.answer()) == 1
    assert chat.message(message).route == "stop"
    assert chat.walks()[0].ended_reason == "unsubscribed"


def test_a_stop_may_be_confirmed_if_the_installation_says_so(chat: Chat) -> None:
    ann = chat.conversation()
    with chat.rt.database.write() as session:
        write_setting(session, "stop_answer", "You get no more messages from us.", utcnow())
    chat.says(ann, "stop")
    assert chat.answer() == ["You get no more messages from us."]


def test_a_yes_that_confirmed_a_double_opt_in_is_answered_as_a_start(chat: Chat) -> None:
    ann = chat.conversation()
    chat.flow(HELLO, is_fallback=True)
    with chat.rt.database.write() as session:
        write_setting(session, "start_answer", "Welcome!", utcnow())
    message = chat.says(ann, "yes")
    with chat.rt.database.write() as session:
        session.execute(update(Message).where(Message.id == message).values(route=CONFIRMED))
    assert chat.answer() == ["Welcome!"]
    assert chat.message(message).route == "start"


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


def test_a_quoted_message_of_another_campaign_begins_that_one_s_flow(chat: Chat) -> None:
    ann = chat.conversation()
    chat.campaign(ann, chat.flow(SPRING))
    chat.says(ann, "hello")
    chat.answer()
    _, recipient_id, wamid = chat.campaign(ann, chat.flow(HELLO), is_engaged=False)
    message = chat.says(ann, "what is this?", context=wamid)
    assert chat.answer()[1] == "Hi. What is your name?"
    assert chat.message(message).route == "reference"
    first, second = chat.walks()
    assert (first.ended_reason, second.recipient_id) == ("another_campaign", recipient_id)


def test_a_template_s_button_names_its_campaign_without_any_context(chat: Chat) -> None:
    ann = chat.conversation()
    _, recipient_id, _ = chat.campaign(ann, chat.flow(SPRING), is_engaged=False)
    token = f"h1b:{chat.rt.installation}:{recipient_id}:0"
    message = chat.says(ann, "Tell me more", payload=token, kind="button")
    assert chat.answer() == ["Hello Ann! Interested in Spring?"]
    assert chat.message(message).route == "reference"


def test_a_button_of_somebody_else_s_message_refers_to_nothing(chat: Chat) -> None:
    ann, bea = chat.conversation("+34600010001"), chat.conversation("+34600010002")
    _, recipient_id, _ = chat.campaign(ann, chat.flow(SPRING))
    message = chat.says(bea, "Tell me more", payload=f"h1b:{chat.rt.installation}:{recipient_id}:0", kind="button")
    assert chat.answer() == []
    assert chat.message(message).route == "nothing"


def test_a_session_that_was_idle_for_a_day_is_over(chat: Chat) -> None:
    ann = chat.conversation()
    chat.flow(HELLO, is_fallback=True)
    chat.says(ann, "hello")
    chat.answer()
    with chat.rt.database.write() as session:
        walk = session.scalars(select(FlowSession)).one()
        walk.state = walk.state | {"updated_at": ago(hours=25).isoformat()}
    chat.says(ann, "Ann")
    assert chat.answer()[2] == "Hi. What is your name?"
    assert chat.walks()[0].ended_reason == "idle"


def test_an_agent_hands_a_conversation_to_a_flow(chat: Chat) -> None:
    ann = chat.conversation()
    flow_id = chat.flow(HELLO)
    with chat.rt.database.write() as session:
        queue_flow_start(session, ann, flow_id, utcnow(), "ann@example.com")
    assert chat.answer() == ["Hi. What is your name?", "Your name?"]
    assert chat.walks()[0].status is SessionStatus.ACTIVE


def test_an_agent_s_message_is_sent(chat: Chat) -> None:
    ann = chat.conversation()
    with chat.rt.database.write() as session:
        agent_message(session, ann, "Good morning", "ann@example.com", utcnow())
    assert chat.answer() == ["Good morning"]


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
    chat.answer()
    first, second = chat.sent(ann)
    assert (first.state, second.state, first.error_code) == (MessageState.QUEUED, MessageState.QUEUED, 131016)
    assert first.due_at is not None
    assert timedelta(seconds=1) < first.due_at - utcnow() < timedelta(seconds=5)
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
        for place in range(50):
            agent_message(session, ann, f"line {place}", "ann@example.com", utcnow())
    chat.answer()
    assert chat.meta.texts == [f"line {place}" for place in range(45)]
    waiting = [message for message in chat.sent(ann) if message.state is MessageState.QUEUED]
    assert len(waiting) == 5
    assert waiting[0].due_at is not None
    assert waiting[0].due_at > utcnow() + timedelta(seconds=3)


def test_whoever_writes_is_answered_whatever_their_consent(chat: Chat) -> None:
    ann = chat.conversation(consent=Consent.UNKNOWN)
    chat.flow(HELLO, is_fallback=True)
    chat.says(ann, "hello")
    assert len(chat.answer()) == 2
