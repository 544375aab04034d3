"""Recorded changes of accounts, and what applying them leaves."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.webhooks.parse import parse_payload
from models.clock import from_unix
from models.events.account.apply import apply_changes
from models.events.account.update import ChangeResult
from models.events.types import AccountChange
from models.tables.audit import Audit
from tests.support.factories.common import NOW
from tests.support.paths import WEBHOOKS

TOLD_AT = from_unix(1795341600)


def after(hours: float) -> datetime:
    return TOLD_AT + timedelta(hours=hours)


def recorded(name: str, at: datetime = TOLD_AT) -> AccountChange:
    [change] = parse_payload((WEBHOOKS / f"{name}.json").read_bytes()).changes
    return replace(change, at=at)


def apply(session: Session, *changes: AccountChange | str) -> ChangeResult:
    session.flush()
    result = apply_changes(session, [recorded(one) if isinstance(one, str) else one for one in changes], NOW)
    session.expire_all()
    return result


def audited(session: Session) -> list[str]:
    return list(session.scalars(select(Audit.action).order_by(Audit.id)))


CHANGES = [
    path.stem
    for path in sorted(WEBHOOKS.glob("*.json"))
    if json.loads(path.read_text())["object"] == "whatsapp_business_account"
    and parse_payload(path.read_bytes()).changes
]
