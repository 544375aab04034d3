"""Makes the tracked links of a campaign and reads them."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.clicks.codes import LinkSigner
from models.crypto import new_token
from models.db.dialect import insert_into
from models.tables.tracked_link import TrackedLink
from models.templates.tracked_links import LinkPlace

MAX_FIELD = 120
Links = dict[LinkPlace, LinkSigner]


def make_links(session: Session, campaign_id: int, places: Iterable[LinkPlace], now: datetime) -> None:
    """Make the links that the campaign lacks. Two processes that do so at once make each one once."""
    rows = [
        {"campaign_id": campaign_id, "field": field, "url": url, "key": new_token(), "created_at": now}
        for field, url in sorted({(place.field[:MAX_FIELD], place.url) for place in places})
    ]
    if rows:
        statement = insert_into(session, TrackedLink.__table__).values(rows)
        session.execute(statement.on_conflict_do_nothing(index_elements=["campaign_id", "field", "url"]))


def links_of(session: Session, campaign_id: int) -> Links:
    """Return what makes the codes of the campaign's links, by their place."""
    columns = TrackedLink.id, TrackedLink.field, TrackedLink.url, TrackedLink.key
    rows = session.execute(select(*columns).where(TrackedLink.campaign_id == campaign_id))
    return {LinkPlace(row.field, row.url): LinkSigner(row.id, row.key) for row in rows}
