"""Reads the messages of campaigns with goals that people got."""

from collections.abc import Iterable

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from models.conversions.attribution import CampaignMessage
from models.conversions.clicks import clicks_of
from models.conversions.goals import goals_of
from models.db.bulk import among
from models.tables.goal import Goal
from models.tables.recipient import Recipient


def messages_of(session: Session, contact_ids: Iterable[int]) -> dict[int, list[CampaignMessage]]:
    """The accepted messages of campaigns with goals by contact. Who got none is absent."""
    columns = (
        Recipient.id,
        Recipient.contact_id,
        Recipient.campaign_id,
        Recipient.accepted_at,
        Recipient.delivered_at,
        Recipient.read_at,
    )
    has_goals = exists().where(Goal.campaign_id == Recipient.campaign_id)
    query = select(*columns).where(
        among(session, Recipient.contact_id, contact_ids), Recipient.accepted_at.is_not(None), has_goals
    )
    rows = session.execute(query).all()
    goals = goals_of(session, {row.campaign_id for row in rows})
    clicks = clicks_of(session, [row.id for row in rows])
    messages: dict[int, list[CampaignMessage]] = {}
    for row in rows:
        if row.accepted_at is not None:
            message = CampaignMessage(
                row.id,
                row.campaign_id,
                goals[row.campaign_id],
                row.accepted_at,
                row.delivered_at,
                row.read_at,
                clicks.get(row.id, ()),
            )
            messages.setdefault(row.contact_id, []).append(message)
    return messages
