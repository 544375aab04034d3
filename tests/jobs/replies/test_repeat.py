"""A campaign's flow runs once for each recipient, unless its file says `repeat: true`."""

import pytest

from tests.support.chat_rig import Chat
from tests.support.reply_flows import HELLO

SIZE = """
name: size
start: q
nodes:
  q: {type: ask, text: "Which size?", tag: size, next: e}
  e: {type: end, text: "Noted: {answers.q}."}
"""


def _run_through(chat: Chat, flow: str) -> tuple[int, str]:
    """Run the flow of a campaign to its end; the conversation and the wamid of the campaign's message."""
    ann = chat.conversation()
    _, _, wamid = chat.campaign(ann, chat.flow(flow))
    chat.says(ann, "hello")
    chat.answer()
    chat.says(ann, "L")
    assert chat.answer() == ["Which size?", "Noted: L."]
    return ann, wamid


def test_what_comes_after_the_end_waits_in_the_inbox(chat: Chat) -> None:
    ann, wamid = _run_through(chat, SIZE)
    for context in (None, wamid):
        message = chat.says(ann, "no really, bye", context=context)
        assert len(chat.answer()) == 2
        assert chat.message(message).route == "nothing"
    assert len(chat.walks()) == 1


def test_what_comes_after_the_end_goes_to_the_fallback_flow(chat: Chat) -> None:
    chat.flow(HELLO, is_fallback=True)
    ann, _ = _run_through(chat, SIZE)
    message = chat.says(ann, "one more thing")
    assert chat.answer()[2] == "Hi. What is your name?"
    assert chat.message(message).route == "fallback"


def test_a_newer_version_of_the_flow_does_not_begin_again_either(chat: Chat) -> None:
    ann, _ = _run_through(chat, SIZE)
    chat.flow(SIZE.replace("Which size?", "Your size?"))
    chat.says(ann, "XL")
    assert len(chat.answer()) == 2


def test_another_campaign_with_the_same_flow_begins_it_for_its_own_recipient(chat: Chat) -> None:
    ann, _ = _run_through(chat, SIZE)
    _, recipient_id, wamid = chat.campaign(ann, chat.flow(SIZE), is_engaged=False)
    chat.says(ann, "hello", context=wamid)
    assert chat.answer()[2:] == ["Which size?"]
    assert chat.walks()[1].recipient_id == recipient_id


@pytest.mark.parametrize("again", ["hello", "no really, bye"])
def test_a_flow_with_repeat_begins_again(chat: Chat, again: str) -> None:
    ann, _ = _run_through(chat, SIZE.replace("start: q", "repeat: true\nstart: q"))
    chat.says(ann, again)
    assert chat.answer()[2:] == ["Which size?"]
