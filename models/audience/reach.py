"""Whom a campaign would reach if it were launched now, counted over the whole audience."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

from sqlalchemy import func, literal, select
from sqlalchemy.orm import Session

from models.audience.eligibility import (
    CONTACT,
    MARKETING,
    CampaignTerms,
    candidates_with_reason,
    duplicate_person_keys,
    load_campaign_terms,
)
from models.billing.price_area import country_of, price_area
from models.db.dialect import is_sqlite, raise_work_mem
from models.db.engine import Reader, reader_for
from models.tables.campaign import Campaign
from models.tables.recipient import NotSent

LEFT_OUT = "!"
"""Marks a reason among price areas, which begin with a letter or a plus."""
PART = 100_000
"""Contacts of a part: enough to be worth its while, and few enough to be sorted in little memory."""
MAX_THREADS = 4
_TURN = Lock()
"""One count of a process has parts side by side: more would be no quicker, and could wait for each other's connections."""
ReachPart = tuple[int, int | None]
"""A range of contact ids: after the first, up to the second."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The candidates, each counted once: eligible, or left out under the first reason that applies."""

    candidates: int = 0
    eligible: int = 0
    not_sent: Mapping[str, int] | None = None
    eligible_in_us: int = 0
    areas: Mapping[str | None, int] | None = None
    """The eligible by what their price depends on (models.billing.price_area)."""

    def to_json(self) -> dict[str, Any]:
        """The public form."""
        return {"candidates": self.candidates, "eligible": self.eligible, "not_sent": dict(self.not_sent or {})}


def estimate_reach(session: Session, campaign: Campaign, now: datetime) -> Reach:
    """Whom the campaign would reach if it were launched now. AudienceError where its audience cannot be read."""
    groups = _count(session, load_campaign_terms(session, campaign, now))
    not_sent = {reason.value: number for reason in NotSent if (number := groups.pop(LEFT_OUT + reason.value, 0))}
    eligible = sum(groups.values())
    template = campaign.template
    is_marketing = template is not None and template.category.upper() == MARKETING
    in_us = sum(number for area, number in groups.items() if country_of(area) == "US") if is_marketing else 0
    return Reach(sum(not_sent.values()) + eligible, eligible, not_sent, in_us, dict(groups.items()))


def _count(session: Session, terms: CampaignTerms) -> Counter[str]:
    """Candidates by reason or price area. SQLite counts many contacts in parts side by side, by their ids: each contact is in
    one part, so the sums are exact, though the parts see moments that are a little apart. PostgreSQL is quicker with one
    plan for everybody.
    """
    raise_work_mem(session)
    count = _Count(terms, duplicate_person_keys(session))
    reader = reader_for(session)
    parts = _parts(session)
    # What a session wrote that may write, no other would see.
    if reader is None or len(parts) == 1 or not _TURN.acquire(blocking=False):
        return count.of(session, (0, None))
    try:
        with ThreadPoolExecutor(min(MAX_THREADS, os.cpu_count() or 1)) as threads:
            return sum(threads.map(lambda part: count.apart(reader, part), parts), Counter[str]())
    finally:
        _TURN.release()


def _parts(session: Session) -> Sequence[ReachPart]:
    """Ranges that hold every contact; one where there are few."""
    if not is_sqlite(session):
        return [(0, None)]
    last = session.scalar(select(func.max(CONTACT.c.id))) or 0
    number = max(1, last // PART)
    bounds = [last * index // number for index in range(number)]
    return list(zip(bounds, [*bounds[1:], None], strict=True))


@dataclass(frozen=True, slots=True)
class _Count:
    terms: CampaignTerms
    doubled: Sequence[str]

    def of(self, session: Session, part: ReachPart) -> Counter[str]:
        everybody = candidates_with_reason(self.terms, after_id=part[0], until_id=part[1], doubled=self.doubled)
        found = everybody.add_columns(price_area(CONTACT).label("area")).subquery("judged")
        # One text to group by: with two, SQLite would go through the waterfall twice for everybody.
        key = func.coalesce(literal(LEFT_OUT) + found.c.reason, found.c.area)
        rows = session.execute(select(key, func.count().label("people")).group_by(key))
        return Counter({row[0]: row.people for row in rows})

    def apart(self, reader: Reader, part: ReachPart) -> Counter[str]:
        with reader() as session:
            return self.of(session, part)
