"""What other responders on the number do: recorded echoes, messages on standby and changes of control."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.events.control_changes import apply_control_changes
from models.events.messages.echoes import EchoResult, store_echoes
from models.events.types import ControlChange, Echo, InboundMessage
from models.tables.conversation import Case, CaseStatus
from models.tables.conversation_control import ConversationControl, Responder
from tests.support.factories.common import NOW
from tests.support.parsed import recorded


def echo(name: str = "echo_phone_app", **values: Any) -> Echo:
    [found] = recorded(name).echoes
    return replace(found, message=replace(found.message, **values))


def on_standby(name: str = "standby_message", **values: Any) -> InboundMessage:
    [found] = recorded(name).inbound
    return replace(found, **values)


def control(name: str, at: datetime | None = None) -> ControlChange:
    [found] = recorded(name).control
    return replace(found, at=at or found.at)


def store_all(session: Session, *echoes: Echo, now: datetime = NOW) -> EchoResult:
    session.flush()
    result = store_echoes(session, echoes, now)
    session.expire_all()
    return result


def apply_all(session: Session, *changes: ControlChange) -> int:
    session.flush()
    applied = apply_control_changes(session, changes, NOW)
    session.expire_all()
    return applied


def responders(session: Session) -> list[Responder]:
    return list(session.scalars(select(ConversationControl.responder).order_by(ConversationControl.conversation_id)))


def open_holders(session: Session) -> list[tuple[CaseStatus, str | None]]:
    """Status and agent of the open cases."""
    rows = session.execute(select(Case.status, Case.agent).where(Case.closed_at.is_(None)).order_by(Case.id))
    return [(row.status, row.agent) for row in rows]
