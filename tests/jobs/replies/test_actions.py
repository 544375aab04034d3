"""What bot flows wait for: time that passes, systems that are asked, a bot of the user's own."""

import json
from datetime import timedelta

from sqlalchemy import select, update

from bot.outbound.client import sign_request
from jobs.core.queues import ANSWER, queue
from jobs.replies.answer import wake_repliers
from models.clock import utcnow
from models.conversations.cases import open_case
from models.conversations.flow_http_calls import CLAIM
from models.crypto import signing_secret
from models.tables.conversation import Conversation, Message, MessageState
from models.tables.flow import Action, ActionState
from models.tables.tag import ContactTag
from tests.support.chat_rig import Chat, ago, loses_the_answer, refuses
from tests.support.tls_server import Outsider

PATIENT = """
name: patient
start: a
nodes:
  a: {type: message, text: One moment., next: w}
  w: {type: wait, minutes: 10, on_reply: hurried, next: b}
  b: {type: end, text: Here I am again.}
  hurried: {type: end, text: No hurry.}
"""
ASKING = """
name: asking
start: call
nodes:
  call:
    type: http
    url: "HOST/slots?name={name}"
    body: {phone: "{phone}"}
    save: {time: first.time}
    next: told
    failed: sorry
  told: {type: end, text: "At {answers.time}."}
  sorry: {type: end, text: Nobody answers.}
"""
EXTERNAL = """
name: mine
kind: external
url: HOST/bot
"""


def actions(chat: Chat) -> list[Action]:
    with chat.rt.database.read() as session:
        return list(session.scalars(select(Action).order_by(Action.id)))


def pass_time(chat: Chat) -> None:
    """Whatever is waited for is due now."""
    with chat.rt.database.write() as session:
        session.execute(update(Action).where(Action.state == ActionState.PENDING).values(due_at=ago(seconds=1)))


def test_a_timer_starts_when_the_message_before_it_was_accepted(chat: Chat) -> None:
    ann = chat.conversation()
    chat.flow(PATIENT, is_fallback=True)
    chat.meta.answers = [refuses(131016)]
    chat.says(ann, "hello")
    chat.answer()
    assert [action.due_at for action in actions(chat)] == [None]
    with chat.rt.database.write() as session:
        session.execute(update(Message).where(Message.state == MessageState.QUEUED).values(due_at=ago(seconds=1)))
    chat.answer()
    waits, timer = actions(chat)
    assert (waits.state, timer.state) == (ActionState.DONE, ActionState.PENDING)
    assert timer.due_at is not None
    assert timedelta(minutes=9) < timer.due_at - utcnow() <= timedelta(minutes=10)
    pass_time(chat)
    assert chat.answer()[-1] == "Here I am again."
    assert chat.walks()[0].ended_reason == "done"


def test_an_unsure_message_counts_as_accepted_after_a_minute(chat: Chat) -> None:
    ann = chat.conversation()
    chat.flow(PATIENT, is_fallback=True)
    chat.meta.answers = [loses_the_answer]
    chat.says(ann, "hello")
    chat.answer()
    (waits,) = actions(chat)
    assert waits.due_at is not None
    assert timedelta(seconds=50) < waits.due_at - utcnow() <= timedelta(seconds=60)
    pass_time(chat)
    chat.answer()
    assert [action.payload["event"] for action in actions(chat)] == ["sent", "timer"]


def test_a_wait_whose_message_was_refused_ends_the_walk(chat: Chat) -> None:
    ann = chat.conversation()
    chat.flow(PATIENT, is_fallback=True)
    chat.meta.answers = [refuses(131051)]
    chat.says(ann, "hello")
    chat.answer()
    assert chat.walks()[0].ended_reason == "not_sent"


def test_a_reply_while_the_timer_runs_goes_its_own_way(chat: Chat) -> None:
    ann = chat.conversation()
    chat.flow(PATIENT, is_fallback=True)
    chat.says(ann, "hello")
    chat.answer()
    chat.says(ann, "are you there?")
    assert chat.answer()[-1] == "No hurry."
    assert {action.state for action in actions(chat)} == {ActionState.DONE, ActionState.CANCELLED}
    pass_time(chat)
    assert len(chat.answer()) == 2


def test_a_timer_of_somebody_with_an_open_case_says_nothing(chat: Chat) -> None:
    ann = chat.conversation()
    chat.flow(PATIENT, is_fallback=True)
    chat.says(ann, "hello")
    chat.answer()
    with chat.rt.database.write() as session:
        open_case(session, session.scalars(select(Conversation.contact_id)).one(), utcnow(), opened_by="api")
    pass_time(chat)
    assert len(chat.answer()) == 1


def test_a_due_timer_makes_a_wake_up(chat: Chat) -> None:
    ann = chat.conversation()
    chat.flow(PATIENT, is_fallback=True)
    chat.says(ann, "hello")
    chat.answer()
    assert wake_repliers(chat.rt, utcnow()) == 0
    assert wake_repliers(chat.rt, utcnow() + timedelta(minutes=11)) == 1
    assert queue(chat.rt.redis, ANSWER).count == 1


def test_a_flow_asks_another_system_and_uses_what_it_says(chat: Chat, other_system: Outsider) -> None:
    ann = chat.conversation("+34600010001", name="Ann & Bob")
    chat.flow(ASKING.replace("HOST", other_system.url), is_fallback=True)
    other_system.answers = [(200, {}, b'{"first": {"time": "10:30"}}')]
    chat.says(ann, "hello")
    assert chat.answer() == ["At 10:30."]
    path, headers, body = other_system.requests[0]
    assert path == "/slots?name=Ann%20%26%20Bob"
    assert json.loads(body) == {"phone": "+34600010001"}
    assert "X-Hark-Signature-256" not in headers
    assert [(action.state, action.attempts) for action in actions(chat)] == [(ActionState.DONE, 1)]


def test_a_call_is_made_three_times_at_the_most(chat: Chat, other_system: Outsider) -> None:
    ann = chat.conversation()
    chat.flow(ASKING.replace("HOST", other_system.url), is_fallback=True)
    other_system.answers = [(500, {}, b"")]
    chat.says(ann, "hello")
    for _ in range(3):
        chat.answer()
        pass_time(chat)
    assert chat.answer() == ["Nobody answers."]
    assert len(other_system.requests) == 3
    assert len({headers["Idempotency-Key"] for _, headers, _ in other_system.requests}) == 1


def test_a_call_whose_process_died_is_made_again(chat: Chat, other_system: Outsider) -> None:
    ann = chat.conversation()
    chat.flow(ASKING.replace("HOST", other_system.url), is_fallback=True)
    other_system.answers = [(500, {}, b""), (200, {}, b'{"first": {"time": "11:00"}}')]
    chat.says(ann, "hello")
    chat.answer()
    with chat.rt.database.write() as session:
        claimed = utcnow() - CLAIM - timedelta(seconds=1)
        session.execute(update(Action).values(state=ActionState.CLAIMED, claimed_at=claimed, due_at=claimed))
    assert chat.answer() == ["At 11:00."]


def test_a_private_address_is_never_called(chat: Chat) -> None:
    ann = chat.conversation()
    chat.flow(ASKING.replace("HOST", "https://localhost:1"), is_fallback=True)
    chat.says(ann, "hello")
    assert chat.answer() == ["Nobody answers."]
    assert actions(chat)[0].attempts == 1


def test_a_bot_of_the_user_s_own_gets_signed_posts_and_its_answers_are_sent(chat: Chat, other_system: Outsider) -> None:
    ann = chat.conversation()
    chat.flow(EXTERNAL.replace("HOST", other_system.url), is_fallback=True)
    other_system.answers = [
        (
            200,
            {},
            b'{"messages": [{"text": "Which size?"}], "state": {"asked": "size"}, "tags": {"interest": "shoes"}}',
        ),
        (200, {}, b'{"messages": [{"text": "Thanks {all}"}], "end": true}'),
    ]
    chat.says(ann, "hello")
    assert chat.answer() == ["Which size?"]
    chat.says(ann, "42")
    assert chat.answer()[-1] == "Thanks {all}"
    _, headers, body = other_system.requests[1]
    assert (json.loads(body)["event"], json.loads(body)["state"]) == ("reply", {"asked": "size"})
    expected = sign_request(signing_secret(chat.rt.settings.secret_key), int(headers["X-Hark-Timestamp"]), body)
    assert headers["X-Hark-Signature-256"] == expected["X-Hark-Signature-256"]
    with chat.rt.database.read() as session:
        assert "shoes" in session.scalars(select(ContactTag.value)).all()
    assert chat.walks()[0].ended_reason == "done"
