"""Whom a campaign would reach if it were launched now, counted over the whole audience."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, literal, select
from sqlalchemy.orm import Session

from models.campaign import Campaign
from models.dialect import make_room
from models.eligibility import CONTACT, MARKETING, Terms, judged, read_terms
from models.engine import Reader, reader_of
from models.price_area import country_of, price_area
from models.recipient import NotSent

LEFT_OUT = "!"
"""Marks a reason among price areas, which begin with a letter or a plus."""
PART = 100_000
"""Contacts from which on a part of its own is worth its while."""
MOST_PARTS = 4


@dataclass(frozen=True, slots=True)
class Reach:
    """The candidates, each counted once: eligible, or left out under the first reason that applies."""

    candidates: int = 0
    eligible: int = 0
    not_sent: Mapping[str, int] | None = None
    eligible_in_us: int = 0
    areas: Mapping[str | None, int] | None = None
    """The eligible by what their price depends on (models.price_area)."""

    def to_json(self) -> dict[str, Any]:
        """The public form."""
        return {"candidates": self.candidates, "eligible": self.eligible, "not_sent": dict(self.not_sent or {})}


def estimate_reach(session: Session, campaign: Campaign, now: datetime) -> Reach:
    """Whom the campaign would reach if it were launched now. AudienceError where its audience cannot be read."""
    groups = _count(session, read_terms(session, campaign, now))
    not_sent = {reason.value: number for reason in NotSent if (number := groups.pop(LEFT_OUT + reason.value, 0))}
    eligible = sum(groups.values())
    template = campaign.template
    is_marketing = template is not None and template.category.upper() == MARKETING
    in_us = sum(number for area, number in groups.items() if country_of(area) == "US") if is_marketing else 0
    return Reach(sum(not_sent.values()) + eligible, eligible, not_sent, in_us, dict(groups.items()))


def _count(session: Session, terms: Terms) -> Counter[str]:
    """Candidates by reason or price area. A large installation's contacts are counted in parts side by side, by their ids:
    each contact is in one part, so the sums are exact, though the parts see moments that are a little apart.
    """
    reader = reader_of(session)
    parts = _parts(session)
    if reader is None or len(parts) == 1:  # what this session wrote, nobody else would see
        return _count_part(session, terms, (0, None))
    with ThreadPoolExecutor(len(parts)) as threads:
        counts = threads.map(lambda part: _count_apart(reader, terms, part), parts)
        return sum(counts, Counter[str]())


def _parts(session: Session) -> Sequence[tuple[int, int | None]]:
    """Ranges of ids, each after the first and up to the second; one where there are few contacts."""
    last = session.scalar(select(func.max(CONTACT.c.id))) or 0
    number = max(1, min(MOST_PARTS, os.cpu_count() or 1, last // PART))
    bounds = [last * index // number for index in range(number)]
    return list(zip(bounds, [*bounds[1:], None], strict=True))


def _count_apart(reader: Reader, terms: Terms, part: tuple[int, int | None]) -> Counter[str]:
    with reader() as session:
        return _count_part(session, terms, part)


def _count_part(session: Session, terms: Terms, part: tuple[int, int | None]) -> Counter[str]:
    make_room(session)
    everybody = judged(terms, after_id=part[0], until_id=part[1]).add_columns(price_area(CONTACT).label("area"))
    found = everybody.subquery("judged")
    # One text to group by: with two, SQLite would go through the waterfall twice for everybody.
    key = func.coalesce(literal(LEFT_OUT) + found.c.reason, found.c.area)
    rows = session.execute(select(key, func.count().label("people")).group_by(key))
    return Counter({row[0]: row.people for row in rows})
