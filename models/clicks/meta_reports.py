"""Stores and counts the link clicks that Meta reports (docs/meta.md §7.10), which name neither a person nor a campaign.

Meta reports only clicks of numbers that send by the Marketing Messages API, and only on messages of the last 7 days. So they are
figures beside ours, and are never mixed with them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.db.dialect import insert_into
from models.tables.campaign import Campaign
from models.tables.click import MetaClick
from models.tables.number import Number
from models.tables.recipient import Recipient, SendEndpoint

LINK_CLICK = "marketing_messages_link_click"
REPORTED_FOR = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class ReportedClick:
    """One action of a report. `key` tells the same one from others."""

    phone_number_id: str
    key: str
    action_type: str
    at: datetime


@dataclass(frozen=True, slots=True)
class MetaClicks:
    """Link clicks that Meta reported for a campaign's number while its messages could be reported.

    `other_campaigns`: how many other campaigns sent from the number in that time; their clicks are among these.
    """

    clicks: int
    other_campaigns: int


def store_reported_clicks(session: Session, clicks: Sequence[ReportedClick]) -> None:
    """Store what was reported of our numbers; the same action is stored once."""
    ids = {click.phone_number_id for click in clicks}
    if not ids:
        return
    rows = session.execute(select(Number.phone_number_id, Number.id).where(Number.phone_number_id.in_(ids)))
    numbers = {row.phone_number_id: row.id for row in rows}
    values = [
        {"key": it.key, "number_id": numbers[it.phone_number_id], "action_type": it.action_type[:64], "at": it.at}
        for it in clicks
        if it.phone_number_id in numbers
    ]
    if values:
        statement = insert_into(session, MetaClick.__table__).values(values)
        session.execute(statement.on_conflict_do_nothing(index_elements=["key"]))


def meta_clicks(session: Session, campaign: Campaign) -> MetaClicks | None:
    """Return Meta's figure beside a campaign's own; None if none of its messages went by the Marketing Messages API."""
    if campaign.started_at is None or campaign.number_id is None:
        return None
    by_marketing = select(Recipient.id).where(
        Recipient.campaign_id == campaign.id, Recipient.endpoint == SendEndpoint.MARKETING
    )
    if session.scalar(by_marketing.limit(1)) is None:
        return None
    since, until = campaign.started_at, (campaign.last_sent_at or campaign.started_at) + REPORTED_FOR
    clicks = select(func.count()).where(
        MetaClick.number_id == campaign.number_id,
        MetaClick.action_type == LINK_CLICK,
        MetaClick.at >= since,
        MetaClick.at <= until,
    )
    others = select(func.count()).where(
        Campaign.number_id == campaign.number_id,
        Campaign.id != campaign.id,
        Campaign.started_at <= until,
        func.coalesce(Campaign.last_sent_at, Campaign.started_at) >= since - REPORTED_FOR,
    )
    return MetaClicks(session.scalar(clicks) or 0, session.scalar(others) or 0)
