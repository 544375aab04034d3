"""Only text and presses answer a question of a bot flow."""

import pytest

from tests.support.chat_rig import Chat

FORM = """
name: form
start: q
nodes:
  q: {type: ask, text: "Your name?", save_as: who, error: "Please write it.", retries: 5, next: e}
  e: {type: end, text: "Thank you {answers.who}."}
"""


@pytest.mark.parametrize("kind", ["image", "video", "contacts", "location", "order", "interactive", "later_type"])
def test_a_caption_a_card_a_place_an_order_and_a_form_are_no_answer(chat: Chat, kind: str) -> None:
    ann = chat.conversation()
    chat.flow(FORM, is_fallback=True)
    chat.says(ann, "hello")
    chat.answer()
    chat.says(ann, "Hotel Sol", kind=kind)
    assert chat.answer()[1:] == ["Please write it."]
    chat.says(ann, "Ann")
    assert chat.answer()[2:] == ["Thank you Ann."]


def test_an_unsupported_message_begins_nothing(chat: Chat) -> None:
    ann = chat.conversation()
    chat.campaign(ann, chat.flow(FORM))
    message = chat.says(ann, "", kind="unsupported")
    assert chat.answer() == []
    assert chat.message(message).route == "ignored"
