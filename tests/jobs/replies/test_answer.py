"""Answering: everybody, in order, to the end of the flow."""

from sqlalchemy import select

from models.clock import utcnow
from models.conversations.cases import open_cases
from models.conversations.messages import agent_message
from models.tables.contact import Consent, Contact
from models.tables.conversation import Conversation, MessageState
from models.tables.flow import FlowSession, FunnelStep, SessionStatus
from models.tables.lane import Lane
from models.tables.tag import ContactTag
from tests.support.chat_rig import Chat, ago
from tests.support.reply_flows import HELLO, SPRING


def test_a_reply_walks_through_the_campaign_s_flow_to_its_end(chat: Chat) -> None:
    ann = chat.conversation()
    _, recipient_id, _ = chat.campaign(ann, chat.flow(SPRING))
    first = chat.says(ann, "hello")
    assert chat.answer() == ["Hello Ann! Interested in Spring?"]
    handled = chat.message(first)
    assert (handled.route, handled.handled_at is not None) == ("campaign", True)
    assert "it answers campaign" in (handled.route_reason or "")

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


def test_an_agent_s_message_is_sent(chat: Chat) -> None:
    ann = chat.conversation()
    with chat.rt.database.write() as session:
        agent_message(session, ann, "Good morning", "ann@example.com", utcnow())
    assert chat.answer() == ["Good morning"]


def test_whoever_writes_is_answered_whatever_their_consent(chat: Chat) -> None:
    ann = chat.conversation(consent=Consent.UNKNOWN)
    chat.flow(HELLO, is_fallback=True)
    chat.says(ann, "hello")
    assert len(chat.answer()) == 2
