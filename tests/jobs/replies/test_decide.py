"""Which flow, person or campaign a message goes to."""

from sqlalchemy import select, update

from models.clock import utcnow
from models.conversations.cases import open_case
from models.conversations.messages import queue_flow_start
from models.events.messages.double_opt_in import CONFIRMED
from models.tables.conversation import Conversation, Message
from models.tables.flow import SessionStatus
from models.tables.setting import write_setting
from tests.support.chat_rig import Chat
from tests.support.reply_flows import HELLO, SPRING


def test_with_no_flow_at_all_the_message_says_so(chat: Chat) -> None:
    ann = chat.conversation()
    message = chat.says(ann, "hello")
    assert chat.answer() == []
    handled = chat.message(message)
    assert (handled.route, handled.route_reason) == ("nothing", "no bot flow is meant and there is no fallback flow")
    assert chat.unread() == [ann]


def test_what_a_bot_flow_takes_is_not_unread(chat: Chat) -> None:
    ann = chat.conversation()
    chat.flow(HELLO, is_fallback=True)
    chat.says(ann, "hello")
    chat.answer()
    assert chat.unread() == []


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


def test_an_agent_hands_a_conversation_to_a_flow(chat: Chat) -> None:
    ann = chat.conversation()
    flow_id = chat.flow(HELLO)
    with chat.rt.database.write() as session:
        queue_flow_start(session, ann, flow_id, utcnow(), "ann@example.com")
    assert chat.answer() == ["Hi. What is your name?", "Your name?"]
    assert chat.walks()[0].status is SessionStatus.ACTIVE


def test_a_start_that_opted_nobody_in_begins_the_flow_that_is_meant(chat: Chat) -> None:
    ann = chat.conversation()
    chat.flow(HELLO, is_fallback=True)
    message = chat.says(ann, "Start")
    assert chat.answer()[0] == "Hi. What is your name?"
    assert chat.message(message).route == "fallback"
