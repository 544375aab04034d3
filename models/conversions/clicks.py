"""Reads when people clicked the links of their messages."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.db.bulk import among
from models.db.dialect import literal_word
from models.tables.click import Click, ClickKind


def clicks_of(session: Session, recipient_ids: Collection[int]) -> dict[int, list[datetime]]:
    """The times of a person's clicks by recipient, ascending. A recipient without any is absent; previews and bots never click."""
    if not recipient_ids:
        return {}
    is_click = Click.kind == literal_word(ClickKind.PERSON)
    query = select(Click.recipient_id, Click.at).where(among(session, Click.recipient_id, recipient_ids), is_click)
    clicks: dict[int, list[datetime]] = {}
    for recipient_id, at in session.execute(query.order_by(Click.recipient_id, Click.at)):
        clicks.setdefault(recipient_id, []).append(at)
    return clicks
