"""Conversations and cases; carol is in the middle of one with an open case. Every function flushes, none commits."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.tables.contact import Contact
from models.tables.conversation import Case, CaseStatus, Conversation
from models.tables.number import Number
from tests.support.factories.common import NOW
from tests.support.factories.contacts import CAROL_PHONE, make_contact


def carol(session: Session, number: Number | None = None, **values: Any) -> Contact:
    """In the middle of a conversation with an open case."""
    contact = make_contact(session, CAROL_PHONE, **({"name": "Carol"} | values))
    if number is not None:
        make_conversation(session, contact, number)
    make_case(session, contact, number)
    return contact


def make_conversation(
    session: Session, contact: Contact, number: Number, *, last_inbound_at: datetime | None = NOW, now: datetime = NOW
) -> Conversation:
    """A chat of the contact with the number, its window open at `last_inbound_at`."""
    conversation = Conversation(
        contact_id=contact.id,
        number_id=number.id,
        last_inbound_at=last_inbound_at,
        last_message_at=last_inbound_at,
        created_at=now,
    )
    session.add(conversation)
    session.flush()
    return conversation


def find_conversation(session: Session, contact: Contact, number: Number) -> Conversation:
    """The chat of the contact with the number, made if there is none."""
    pair = (Conversation.contact_id == contact.id, Conversation.number_id == number.id)
    return session.scalar(select(Conversation).where(*pair)) or make_conversation(session, contact, number)


def make_case(session: Session, contact: Contact, number: Number | None = None, *, now: datetime = NOW) -> Case:
    """An open case."""
    case = Case(
        contact_id=contact.id,
        number_id=number.id if number else None,
        status=CaseStatus.ATTENDING,
        opened_by="agent@example.com",
        opened_at=now,
    )
    session.add(case)
    session.flush()
    return case
