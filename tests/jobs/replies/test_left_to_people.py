"""What a live bot flow does nothing with waits for a person in the inbox."""

import pytest

from tests.support.chat_rig import Chat

PATIENT = """
name: patient
start: a
nodes:
  a: {type: message, text: One moment., next: w}
  w: {type: wait, minutes: 10, next: b}
  b: {type: end, text: Here I am again.}
"""
STRICT = """
name: strict
start: q
nodes:
  q: {type: ask, text: "Your mail?", expect: email, retries: RETRIES, next: e}
  e: {type: end, text: "Thank you."}
"""


def test_a_reply_that_no_node_takes_is_unread(chat: Chat) -> None:
    ann = chat.conversation()
    chat.flow(PATIENT, is_fallback=True)
    chat.says(ann, "hello")
    assert chat.answer() == ["One moment."]
    assert chat.unread() == []
    message = chat.says(ann, "is the shop open on Sunday?")
    assert chat.answer() == ["One moment."]
    assert (chat.message(message).route, chat.unread()) == ("session", [ann])


def test_a_reply_that_ends_the_flow_because_it_was_not_understood_is_unread(chat: Chat) -> None:
    ann = chat.conversation()
    chat.flow(STRICT.replace("RETRIES", "0"), is_fallback=True)
    chat.says(ann, "hello")
    chat.answer()
    chat.says(ann, "I have none, call me")
    assert chat.answer() == ["Your mail?"]
    assert chat.walks()[0].ended_reason == "not_understood"
    assert chat.unread() == [ann]


@pytest.mark.parametrize("text", ["no mail", "ann@example.com"])
def test_a_reply_that_the_flow_answers_is_not_unread(chat: Chat, text: str) -> None:
    ann = chat.conversation()
    chat.flow(STRICT.replace("RETRIES", "1"), is_fallback=True)
    chat.says(ann, "hello")
    chat.answer()
    chat.says(ann, text)
    assert len(chat.answer()) == 2
    assert chat.unread() == []
