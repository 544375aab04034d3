"""A phone is linked by a message to the number, and gives commands from then on."""

import logging
from typing import Any

import pytest
from sqlalchemy import func, select

from admin.auth.phone_links import create_link_code
from bot.webhooks.parse import parse_payload
from jobs.ingest.apply import apply_parsed
from models.clock import utcnow
from models.tables.conversation import Conversation, Direction, Message
from models.tables.number import Number
from models.tables.user import Role, User
from tests.support.chat_rig import TWO, Chat
from tests.support.parsed import envelope

PHONE = "34600010001"


def new_code(chat: Chat) -> str:
    """The code of a user without a phone."""
    with chat.rt.database.write() as session:
        user = User(email="ann@example.com", password_hash="-", role=Role.MANAGER, session_key="k", created_at=utcnow())
        session.add(user)
        session.flush()
        user_id = user.id
    return create_link_code(chat.rt, user_id, "cli").text


def writes(chat: Chat, text: str) -> None:
    """A message of the phone, as Meta posts it."""
    with chat.rt.database.read() as session:
        phone_number_id = session.get_one(Number, chat.number_id).phone_number_id
    message: dict[str, Any] = {"from": PHONE, "id": f"wamid.{text}", "type": "text", "text": {"body": text}}
    message["timestamp"] = str(int(utcnow().timestamp()))
    contact = {"profile": {"name": "Ann"}, "wa_id": PHONE}
    metadata = {"phone_number_id": phone_number_id}
    apply_parsed(chat.rt, [parse_payload(envelope(metadata=metadata, messages=[message], contacts=[contact]))])


def inbound(chat: Chat) -> int:
    with chat.rt.database.read() as session:
        return session.scalar(select(func.count()).where(Message.direction == Direction.IN)) or 0


def test_a_linked_phone_gives_commands_and_nobody_sees_the_code(chat: Chat, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    chat.flow(TWO, is_fallback=True)
    code = new_code(chat)
    writes(chat, f"/link {code}")
    assert chat.answer() == ["This phone is linked to ann@example.com. Text /help for the commands."]
    assert (inbound(chat), chat.walks(), chat.unread()) == (0, [], [])
    assert code not in caplog.text
    with chat.rt.database.read() as session:
        conversation_id = session.scalars(select(Conversation.id)).one()
    chat.says(conversation_id, "/campaigns")
    assert chat.answer()[-1] == "There is no campaign under way."


def test_a_wrong_code_is_answered_with_nothing_and_reaches_no_flow(chat: Chat) -> None:
    chat.flow(TWO, is_fallback=True)
    new_code(chat)
    writes(chat, "/link 00000-00000")
    assert chat.answer() == []
    assert (inbound(chat), chat.walks(), chat.unread()) == (0, [], [])
    with chat.rt.database.read() as session:
        assert session.scalars(select(Conversation)).all() == []
