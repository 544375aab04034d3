"""Links the phones that sent a right code, and answers them inside the window that their message opened."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.conversations.messages import NewMessage, queue_messages
from models.events.messages.attribution import AttributedReply
from models.events.messages.conversations import open_conversations
from models.events.messages.link_codes import link_phone
from models.events.messages.senders import resolve_senders
from models.events.types import InboundMessage
from models.tables.contact import Contact
from models.tables.phone_link import LinkOutcome
from models.tables.user import User

_ANSWERS = {
    LinkOutcome.LINKED: "This phone is linked to {email}. Text /help for the commands.",
    LinkOutcome.PHONE_TAKEN: "This phone is linked to another user of Hark already. Unlink it there, then ask for a new code.",
    LinkOutcome.PHONE_HIDDEN: "WhatsApp does not show us your number, so this phone could not be linked.",
}


def answer_link_codes(
    session: Session, used: Sequence[tuple[InboundMessage, int]], numbers: Mapping[str, tuple[int, int]], now: datetime
) -> list[int]:
    """Link the sender of each message to the user whose code it carried; return the conversations that wait for the answer.

    `numbers` are (number id, portfolio id) by phone_number_id.
    """
    messages = [message for message, _ in used]
    if not messages:
        return []
    contacts = resolve_senders(session, messages, [numbers[item.phone_number_id][1] for item in messages], now)
    replies = [AttributedReply(item, contacts[item.wamid], numbers[item.phone_number_id][0]) for item in messages]
    conversations = open_conversations(session, replies, now)
    answers = []
    for (_, user_id), reply in zip(used, replies, strict=True):
        phone = session.scalar(select(Contact.phone).where(Contact.id == reply.contact_id))
        outcome = link_phone(session, user_id, phone, now)
        email = session.scalar(select(User.email).where(User.id == user_id)) or ""
        text = {"body": _ANSWERS[outcome].format(email=email), "preview_url": False}
        answers.append(NewMessage(conversations[reply.contact_id, reply.number_id], {"type": "text", "text": text}))
    queue_messages(session, answers, now)
    return sorted({answer.conversation_id for answer in answers})
