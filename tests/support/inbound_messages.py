"""Recorded messages of people, stored one by one, and what a campaign had sent them."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.webhooks.parse import parse_payload
from models.clock import from_unix
from models.events.messages.store import InboundResult, store_inbound
from models.events.types import InboundMessage
from models.tables.contact import Contact
from models.tables.conversation import Message
from models.tables.number import Number
from models.tables.recipient import Recipient, RecipientState
from tests.support.factories.campaigns import make_campaign, make_recipient
from tests.support.factories.common import NOW
from tests.support.paths import WEBHOOKS

MINE = "inst"
SAID_AT = from_unix(1795341600)


def at(seconds: float) -> datetime:
    return SAID_AT + timedelta(seconds=seconds)


def recorded(name: str, **values: Any) -> InboundMessage:
    [message] = parse_payload((WEBHOOKS / f"message_{name}.json").read_bytes()).inbound
    return replace(message, **values)


def store(session: Session, *messages: InboundMessage) -> InboundResult:
    session.flush()
    result = store_inbound(session, messages, NOW, MINE)
    session.expire_all()
    return result


def stored(session: Session, name: str) -> Message:
    return session.scalars(select(Message).where(Message.wamid == f"wamid.in.message_{name}")).one()


def sent_to(
    session: Session, number: Number, contact: Contact, accepted_at: datetime = SAID_AT, **values: Any
) -> Recipient:
    given: dict[str, Any] = {
        "state": RecipientState.ACCEPTED,
        "accepted_at": accepted_at,
        "wamid": "wamid.campaign",
        "attempts": 1,
    }
    row = make_recipient(session, make_campaign(session, number), contact, **(given | values))
    session.expire(row)
    return row
