"""Stores conversations of contacts with our numbers, their messages, and the cases that agents handle."""

from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.db.base import Base, BigId, word
from models.tables.contact import Contact
from models.tables.number import Number

WINDOW = timedelta(hours=24)
"""For this long after a person's message anything may be sent; later only templates (docs/meta.md §8)."""
IN_QUEUE = text("message.state IN ('queued', 'sending')")
"""Written out, not bound: a partial index serves only a condition that the planner can read."""
PHONE_APP_AUTHOR = "phone app"
"""The author of a message that the business wrote in its phone app, and the agent of the case that this opened."""
RESPONDER_AUTHOR = "another responder"
"""The author of a message of another responder on our number (docs/meta.md §7.11)."""
STANDBY = "standby"
"""The route of a message that another responder answers: it was only shown to us."""
REFERS = "reference"
"""The route of a message that refers to the campaign of its `recipient_id`, until it is answered."""
OPTED_OUT = "stop"
"""The route of a message that is an opt-out."""
CHOOSES = "choice"
"""The route of a typed word that a bot flow's question offered as an option, until it is answered: it is no STOP or START."""


class Conversation(Base):
    """The chat of a contact with a number of ours."""

    __tablename__ = "conversation"
    __table_args__ = (
        Index("uq_conversation_pair", "contact_id", "number_id", unique=True),
        Index(
            "ix_conversation_handed",
            "handed_flow_id",
            sqlite_where=text("handed_flow_id IS NOT NULL"),
            postgresql_where=text("handed_flow_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contact_id: Mapped[int] = mapped_column(BigId, ForeignKey("contact.id"))
    number_id: Mapped[int] = mapped_column(ForeignKey("number.id"), index=True)
    last_inbound_at: Mapped[datetime | None]
    """By Meta's time, not by arrival."""
    last_message_at: Mapped[datetime | None] = mapped_column(index=True)
    answering_by: Mapped[str | None] = mapped_column(String(64))
    """The process that is answering the contact now: one at a time, in order. A lease until `answering_until`."""
    answering_until: Mapped[datetime | None]
    handed_flow_id: Mapped[int | None] = mapped_column(ForeignKey("flow.id"))
    """The bot flow to which an agent handed the conversation; the next answer job starts it."""
    created_at: Mapped[datetime]

    contact: Mapped[Contact] = relationship()
    number: Mapped[Number] = relationship()


class Direction(StrEnum):
    """The direction of a message."""

    IN = "in"
    OUT = "out"


class MessageState(StrEnum):
    """The state of an outbound message; an inbound one is `received`."""

    RECEIVED = "received"
    QUEUED = "queued"
    SENDING = "sending"
    UNSURE = "unsure"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    NOT_SENT = "not_sent"


class Message(Base):
    """One message of a chat: from a person, a bot or an agent. Campaign messages are recipients."""

    __tablename__ = "message"
    __table_args__ = (
        CheckConstraint("(direction = 'in') = (state = 'received')", name="inbound_is_received"),
        Index("uq_message_wamid", "wamid", unique=True),
        Index("ix_message_chat", "conversation_id", "at", "id"),
        Index(
            "ix_message_unhandled",
            "conversation_id",
            "at",
            "id",
            sqlite_where=text("direction = 'in' AND handled_at IS NULL"),
            postgresql_where=text("direction = 'in' AND handled_at IS NULL"),
        ),
        Index(
            "ix_message_queue",
            "conversation_id",
            "due_at",
            "id",
            sqlite_where=text("state IN ('queued', 'sending')"),
            postgresql_where=text("state IN ('queued', 'sending')"),
        ),
        Index(
            "ix_message_lane",
            "lane_id",
            sqlite_where=text("state = 'sending'"),
            postgresql_where=text("state = 'sending'"),
        ),
        Index(
            "ix_message_session",
            "session_id",
            sqlite_where=text("session_id IS NOT NULL"),
            postgresql_where=text("session_id IS NOT NULL"),
        ),
        # The id of a purged message is never reused: later statuses of Meta have it in their callback data.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(BigId, ForeignKey("conversation.id"))
    direction: Mapped[Direction] = mapped_column(word(Direction, "direction"))
    state: Mapped[MessageState] = mapped_column(word(MessageState, "state", grows=True))
    type: Mapped[str] = mapped_column(String(32))
    body: Mapped[str | None] = mapped_column(Text)
    """The text that a person reads: the title of a button, the caption of a picture."""
    payload: Mapped[dict[str, Any] | None]
    """Inbound: Meta's message object; outbound: the Graph body without its envelope."""
    at: Mapped[datetime]
    """Meta's time of an inbound message; the time at which an outbound one was queued."""
    wamid: Mapped[str | None] = mapped_column(String(300))
    context_wamid: Mapped[str | None] = mapped_column(String(300))
    button_payload: Mapped[str | None] = mapped_column(String(300))
    recipient_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("recipient.id"), index=True)
    """The recipient whose campaign this belongs to (models.events.messages.attribution)."""
    session_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("flow_session.id"))
    author: Mapped[str | None] = mapped_column(String(254))
    """The author of an outbound message: `bot`, an agent's e-mail, `PHONE_APP_AUTHOR` or `RESPONDER_AUTHOR`."""
    route: Mapped[str | None] = mapped_column(String(40))
    """Where it went. Until it is answered: what the ingest knows of it: `REFERS`, `CHOOSES`, `OPTED_OUT`, or an opt-in."""
    route_reason: Mapped[str | None] = mapped_column(Text)
    handled_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    lane_id: Mapped[int | None] = mapped_column(BigId)
    """Without a foreign key, as in recipients: lanes are deleted a day after they ended."""
    due_at: Mapped[datetime | None]
    error_code: Mapped[int | None]
    error_msg: Mapped[str | None] = mapped_column(Text)
    accepted_at: Mapped[datetime | None]
    unsure_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]

    conversation: Mapped[Conversation] = relationship()


class PurgedWamid(Base):
    """The hash of a purged inbound message's id, stored for 8 days, since Meta retries for up to seven."""

    __tablename__ = "purged_wamid"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class UnreadReply(Base):
    """A conversation with replies that nothing took, until an agent answers, takes it or marks it as read."""

    __tablename__ = "unread_reply"

    conversation_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("conversation.id"), primary_key=True, autoincrement=False
    )
    since: Mapped[datetime]
    latest_at: Mapped[datetime]
    """When the newest of them was left to people, by our clock."""


class CaseStatus(StrEnum):
    """The state of a case; all but RESOLVED exclude the contact from campaigns and bots."""

    WAITING = "waiting"
    ATTENDING = "attending"
    IDLE = "idle"
    RESOLVED = "resolved"


class Case(Base):
    """A conversation that a human agent handles, open until it is closed; a contact has at most one open."""

    __tablename__ = "case"
    __table_args__ = (
        CheckConstraint("(status = 'resolved') = (closed_at IS NOT NULL)", name="closed_when_resolved"),
        Index(
            "uq_case_open",
            "contact_id",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contact_id: Mapped[int] = mapped_column(BigId, ForeignKey("contact.id"), index=True)
    number_id: Mapped[int | None] = mapped_column(ForeignKey("number.id"))
    status: Mapped[CaseStatus] = mapped_column(word(CaseStatus, "status", grows=True), default=CaseStatus.WAITING)
    reason: Mapped[str] = mapped_column(String(300), default="")
    opened_by: Mapped[str] = mapped_column(String(254))
    agent: Mapped[str | None] = mapped_column(String(254))
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None] = mapped_column(String(254))

    contact: Mapped[Contact] = relationship()


def wamid_hash(wamid: str) -> str:
    """Return the hash under which a purged message's id is stored."""
    return sha256(wamid.encode()).hexdigest()
