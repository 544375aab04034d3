"""Draws an even sample of a campaign's recipients by their ids, so that a large campaign costs what a small one does."""

from typing import NamedTuple

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from models.db.bulk import among
from models.tables.campaign import Campaign
from models.tables.recipient import WRITTEN_TO, Recipient
from models.tables.signal import SignalCount

SAMPLE = 2_000


class IdSpan(NamedTuple):
    """The lowest and the highest id of a campaign's recipients. Those of other campaigns may lie between."""

    first: int
    last: int


def id_span(session: Session, campaign_id: int) -> IdSpan | None:
    """Where the ids of a launched campaign lie; None before the launch is done, and without recipients.

    Finding it reads all of the campaign's rows; the stored one is asked first.
    """
    stored = session.get(SignalCount, campaign_id)
    if stored is not None and stored.first_id is not None and stored.last_id is not None:
        return IdSpan(stored.first_id, stored.last_id)
    if session.scalar(select(Campaign.launched_at).where(Campaign.id == campaign_id)) is None:
        return None
    query = select(func.min(Recipient.id), func.max(Recipient.id)).where(Recipient.campaign_id == campaign_id)
    first, last = session.execute(query).one()
    return None if first is None else IdSpan(first, last)


def spread_ids(span: IdSpan) -> list[int]:
    """At most SAMPLE ids, spread evenly over the span."""
    step = max(1, -(-(span.last - span.first + 1) // SAMPLE))
    return list(range(span.first, span.last + 1, step))


def sampled_contacts(session: Session, campaign_id: int, span: IdSpan) -> Select[int]:
    """A query of the contact ids of at most SAMPLE people whom the campaign wrote to, spread over all of it."""
    return select(Recipient.contact_id).where(
        among(session, Recipient.id, spread_ids(span)),
        Recipient.campaign_id == campaign_id,
        Recipient.state.in_(WRITTEN_TO),
    )
