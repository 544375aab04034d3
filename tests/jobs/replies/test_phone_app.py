"""The owner answers on the phone app in the middle of a bot flow: the bot leaves them the conversation."""

import time

import pytest
from sqlalchemy import select

from bot.webhooks.parse import parse_payload
from jobs.ingest.apply import apply_parsed
from models.clock import utcnow
from models.conversations.cases import close_case
from models.conversations.messages import NewMessage, queue_messages
from models.tables.conversation import Case, CaseStatus, Conversation, MessageState
from models.tables.number import Number
from tests.support.chat_rig import TWO, Chat
from tests.support.parsed import envelope

PHONE = "+34600550007"


def the_owner_writes(chat: Chat, text: str, *, at: float | None = None) -> None:
    with chat.rt.database.read() as session:
        number = session.get_one(Number, chat.number_id)
    item = {
        "from": "15550001111", "to": PHONE.removeprefix("+"), "id": f"wamid.{text}", "type": "text",
        "timestamp": str(int(at or time.time())), "text": {"body": text},
    }  # fmt: skip
    raw = envelope("smb_message_echoes", message_echoes=[item], metadata={"phone_number_id": number.phone_number_id})
    apply_parsed(chat.rt, [parse_payload(raw), parse_payload(raw)])


def test_the_bot_does_not_talk_over_the_owner(chat: Chat) -> None:
    chat.flow(TWO, is_fallback=True)
    ann = chat.conversation(PHONE)
    chat.says(ann, "hello")
    assert chat.answer() == ["Hello.", "Your name?"]
    with chat.rt.database.write() as session:
        queued = queue_messages(session, [NewMessage(ann, {"type": "text", "text": {"body": "bot"}})], utcnow())[0]
    the_owner_writes(chat, "This is Eva from the shop, I take over")
    message = chat.says(ann, "Ann")
    assert chat.answer() == ["Hello.", "Your name?"]
    assert chat.message(message).route == "case"
    assert chat.message(queued).state is MessageState.NOT_SENT
    assert [walk.ended_reason for walk in chat.walks()] == ["case"]
    assert [sent.author for sent in chat.sent(ann)] == ["bot", "bot", "bot", "phone app"]
    with chat.rt.database.read() as session:
        assert session.scalars(select(Case.agent)).all() == ["phone app"]


@pytest.mark.parametrize("seconds", [60, 3600])
def test_the_bot_goes_on_after_the_case_is_closed_whatever_late_echo_comes(chat: Chat, seconds: int) -> None:
    chat.flow(TWO, is_fallback=True)
    ann = chat.conversation(PHONE)
    the_owner_writes(chat, "Hello, it is me", at=time.time() - seconds)
    with chat.rt.database.write() as session:
        close_case(session, session.get_one(Conversation, ann).contact_id, utcnow(), closed_by="ann@example.com")
    the_owner_writes(chat, "an older one", at=time.time() - seconds - 5)
    chat.says(ann, "hello")
    assert chat.answer() == ["Hello.", "Your name?"]
    with chat.rt.database.read() as session:
        assert session.scalars(select(Case.status)).all() == [CaseStatus.RESOLVED]
