"""Deletes the links of deleted campaigns once their people are gone, and old reports of Meta's, in slices.

Clicks go with their recipients (models.privacy.retention): links and clicks are kept as long as the campaign's results.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from models.db.dialect import NO_SYNC
from models.tables.campaign import Campaign
from models.tables.click import Click, MetaClick
from models.tables.recipient import Recipient
from models.tables.tracked_link import TrackedLink

SLICE = 500
MIN_DAYS = 30
"""A deleted campaign's people are kept for at least so long, and so are its links."""
META_CLICKS_FOR = timedelta(days=400)


def purge_tracked_links(session: Session, now: datetime, limit: int = SLICE) -> int:
    """Delete links of campaigns that were deleted and whose recipients are purged."""
    is_empty = ~exists().where(Recipient.campaign_id == Campaign.id)
    deleted = select(Campaign.id).where(Campaign.deleted_at < now - timedelta(days=MIN_DAYS), is_empty)
    is_clicked = exists().where(Click.link_id == TrackedLink.id)
    ids = select(TrackedLink.id).where(TrackedLink.campaign_id.in_(deleted), ~is_clicked).limit(limit)
    return _delete(session, delete(TrackedLink).where(TrackedLink.id.in_(ids.scalar_subquery())))


def purge_meta_clicks(session: Session, now: datetime, limit: int = SLICE) -> int:
    """Delete what Meta reported more than 400 days ago."""
    old = select(MetaClick.key).where(MetaClick.at < now - META_CLICKS_FOR).limit(limit)
    return _delete(session, delete(MetaClick).where(MetaClick.key.in_(old.scalar_subquery())))


def _delete(session: Session, statement: Any) -> int:
    result: Any = session.execute(statement, execution_options=NO_SYNC)
    return int(result.rowcount)
