"""Counts at which hours of the day the people of a campaign read messages of campaigns."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.signals.sample import id_span, sampled_contacts
from models.tables.campaign import Campaign
from models.tables.recipient import Recipient

READ_DAYS = 180
MAX_READ = 20_000


@dataclass(frozen=True, slots=True)
class ReadingTimes:
    """`hours`: how many messages were read in each hour of the day, 24 numbers, in the zone that was asked for."""

    hours: Sequence[int]

    @property
    def total(self) -> int:
        """How many messages were read."""
        return sum(self.hours)

    @property
    def best(self) -> Sequence[int]:
        """The three hours in which most was read, in the order of the day; none if nothing was."""
        ranked = sorted((hour for hour in range(24) if self.hours[hour]), key=lambda hour: -self.hours[hour])
        return sorted(ranked[:3])


def reading_times(session: Session, campaign: Campaign, zone: str, now: datetime) -> ReadingTimes:
    """When a sample of the campaign's people read messages of any campaign in the last READ_DAYS days."""
    hours, span = [0] * 24, id_span(session, campaign.id)
    if span is not None:
        contacts = sampled_contacts(session, campaign.id, span).subquery()
        query = (
            select(Recipient.read_at)
            .where(
                Recipient.contact_id.in_(select(contacts.c.contact_id)),
                Recipient.read_at >= now - timedelta(days=READ_DAYS),
            )
            .limit(MAX_READ)
        )
        local = ZoneInfo(zone)
        for read_at in session.scalars(query):
            if read_at is not None:
                hours[read_at.astimezone(local).hour] += 1
    return ReadingTimes(hours)
