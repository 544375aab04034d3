"""A bot does not talk over whoever took the conversation while it was thinking."""

from collections.abc import Callable
from typing import Any

import pytest

from jobs.replies.decide import decide
from models.clock import utcnow
from models.conversations.cases import close_case, open_case
from models.tables.conversation import Conversation
from tests.support.chat_rig import TWO, Chat


def while_it_decides(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], None]) -> None:
    """`happens` takes place once, after the bot has read and before it writes."""
    waiting = [happens]

    def decided(*args: Any) -> Any:
        plan = decide(*args)
        while waiting:
            waiting.pop()()
        return plan

    monkeypatch.setattr("jobs.replies.store.decide", decided)


def test_a_reply_that_was_planned_before_an_agent_took_the_conversation_is_not_written(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat.flow(TWO, is_fallback=True)
    ann = chat.conversation()
    message = chat.says(ann, "hello")

    def an_agent_takes_it() -> None:
        with chat.rt.database.write() as session:
            contact_id = session.get_one(Conversation, ann).contact_id
            open_case(session, contact_id, utcnow(), opened_by="ann@example.com", agent="ann@example.com")

    while_it_decides(monkeypatch, an_agent_takes_it)
    assert chat.answer() == []
    assert chat.walks() == []
    assert chat.message(message).route == "case"


def test_a_message_that_was_left_to_a_case_goes_to_the_bot_if_the_case_was_closed_meanwhile(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat.flow(TWO, is_fallback=True)
    ann = chat.conversation()
    with chat.rt.database.write() as session:
        contact_id = session.get_one(Conversation, ann).contact_id
        open_case(session, contact_id, utcnow(), opened_by="bot")
    message = chat.says(ann, "hello")

    def it_is_closed() -> None:
        with chat.rt.database.write() as session:
            close_case(session, contact_id, utcnow(), closed_by="ann@example.com")

    while_it_decides(monkeypatch, it_is_closed)
    assert chat.answer() == ["Hello.", "Your name?"]
    assert chat.message(message).route == "fallback"
