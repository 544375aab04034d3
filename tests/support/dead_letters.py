"""Payloads that could not be applied."""

import json
from datetime import timedelta

from sqlalchemy import select

from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.events.dead_letters import keep_dead_letter
from models.tables.webhook_event import DeadLetter

GOOD = b'{"object":"whatsapp_business_account","entry":[]}'
DAY = timedelta(days=1)


def keep(rt: Runtime, *raws: bytes, days_ago: float = 0) -> None:
    with rt.database.write() as session:
        for raw in raws:
            keep_dead_letter(session, raw, "ValueError at bot/webhooks/parse.py:1", utcnow() - days_ago * DAY)


def good(place: int) -> bytes:
    """A payload that can be applied, each another."""
    return json.dumps({"object": "whatsapp_business_account", "entry": [], "place": place}).encode()


def letters(rt: Runtime) -> list[DeadLetter]:
    with rt.database.read() as session:
        return list(session.scalars(select(DeadLetter).order_by(DeadLetter.id)))
