"""Counts where the people of a campaign come from, by the source of their last consent: who agreed, and who did not."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models.db.bulk import among
from models.signals.sample import IdSpan, id_span, spread_ids
from models.tables.campaign import Campaign
from models.tables.contact import ConsentEvent
from models.tables.recipient import NotSent, Recipient

_WITHOUT_CONSENT = frozenset({NotSent.NOT_SUBSCRIBED, NotSent.MARKETING_STOPPED})
_CHUNK = 500


class ConsentSource(NamedTuple):
    """People of one source, at most so many as a sample has. `source` is empty for people whose consent nobody ever recorded."""

    source: str
    people: int
    without_consent: int


def consent_sources(session: Session, campaign: Campaign) -> Sequence[ConsentSource]:
    """The sources, that with the most people without consent first. Of a large campaign a sample of its people."""
    span = id_span(session, campaign.id)
    if span is None:
        return ()
    without = _sampled(session, campaign.id, span)
    sources = _last_sources(session, list(without))
    people = Counter(sources.get(contact_id, "") for contact_id in without)
    lacking = Counter(sources.get(contact_id, "") for contact_id, lacks in without.items() if lacks)
    found = [ConsentSource(source, number, lacking[source]) for source, number in people.items()]
    return sorted(found, key=lambda one: (-one.without_consent, -one.people, one.source))


def _sampled(session: Session, campaign_id: int, span: IdSpan) -> dict[int, bool]:
    """Contact id → whether the person was left out for want of consent."""
    query = select(Recipient.contact_id, Recipient.reason).where(
        among(session, Recipient.id, spread_ids(span)),
        Recipient.campaign_id == campaign_id,
        or_(Recipient.reason.is_(None), Recipient.reason.not_in((NotSent.EXCLUDED, NotSent.DUPLICATE))),
    )
    return {row.contact_id: row.reason in _WITHOUT_CONSENT for row in session.execute(query)}


def _last_sources(session: Session, contact_ids: Sequence[int]) -> dict[int, str]:
    sources: dict[int, str] = {}
    for start in range(0, len(contact_ids), _CHUNK):
        query = (
            select(ConsentEvent.contact_id, ConsentEvent.source)
            .where(among(session, ConsentEvent.contact_id, contact_ids[start : start + _CHUNK]))
            .order_by(ConsentEvent.at, ConsentEvent.id)
        )
        sources |= {row.contact_id: row.source for row in session.execute(query)}
    return sources
