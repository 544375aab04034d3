"""Launches of campaigns, slice by slice."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.campaigns.launch import begin_launch, launch_slice
from models.db.engine import Database
from models.tables.campaign import Campaign, CampaignStatus
from models.tables.recipient import Recipient
from tests.support.factories.campaigns import make_campaign
from tests.support.factories.common import NOW


def launch_whole(database: Database, campaign_id: int, size: int = 20_000) -> None:
    with database.write() as session:
        token = begin_launch(session, campaign_id, NOW)
    assert token is not None
    while True:
        with database.write() as session:
            if not launch_slice(session, campaign_id, token, NOW, size):
                return


def rows_of(session: Session, campaign_id: int) -> dict[int, Recipient]:
    found = session.scalars(select(Recipient).where(Recipient.campaign_id == campaign_id))
    return {row.contact_id: row for row in found}


def make_active(session: Session, **values: Any) -> Campaign:
    return make_campaign(session, status=CampaignStatus.ACTIVE, **values)
