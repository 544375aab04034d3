"""Estimates the reach of a campaign: the candidates by reason, and the eligible by price area, over the whole audience."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

from sqlalchemy import ColumnElement, String, case, cast, func, literal, select
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
from models.db.functions import Probe
from models.tables.campaign import Campaign
from models.tables.engagement import LIMIT_SPAN, LedgerEntry
from models.tables.number import UNLIMITED
from models.tables.recipient import NotSent

LEFT_OUT = "!"
"""Prefix of a reason, to distinguish it from a price area, which begins with a letter or a plus."""
IN_LANGUAGE = "~"
"""Between the place of a language and the price area, of a campaign of several languages."""
COUNTED = "="
"""Prefix of the price area of people who count for the messaging limit already."""
PART = 100_000
"""Contacts per part: enough to be worth a thread, and few enough to be sorted in little memory."""
MAX_THREADS = 4
_PARALLEL_LOCK = Lock()
"""Only one count of a process runs parts in parallel: more would not be faster, and could wait for each other's connections."""
ReachPart = tuple[int, int | None]
"""A range of contact ids: after the first, up to and including the second (None: no end)."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The numbers of candidates: eligible, or left out by the first reason that applies (`not_sent`: reason → number)."""

    candidates: int = 0
    eligible: int = 0
    not_sent: Mapping[str, int] | None = None
    eligible_in_us: int = 0
    areas: Mapping[str | None, int] | None = None
    """The eligible by price area (models.billing.price_area)."""
    eligible_counted: int = 0
    """The eligible who count for the messaging limit already, since they were written to in the last 24 hours."""
    languages: Mapping[str, int] | None = None
    """The eligible by the campaign's languages, in the order of its file; None if it has one."""

    def to_json(self) -> dict[str, Any]:
        """The public form. `languages` is there for a campaign of several."""
        form: dict[str, Any] = {
            "candidates": self.candidates,
            "eligible": self.eligible,
            "not_sent": dict(self.not_sent or {}),
        }
        if self.languages is not None:
            form["languages"] = [{"language": code, "people": people} for code, people in self.languages.items()]
        return form


def estimate_reach(session: Session, campaign: Campaign, now: datetime) -> Reach:
    """Count whom the campaign would reach if it were launched now. Raises AudienceError if its audience is invalid."""
    terms = load_campaign_terms(session, campaign, now)
    found = _count(session, terms, _limited_portfolio(session, campaign, now))
    not_sent = {reason.value: number for reason in NotSent if (number := found.pop(LEFT_OUT + reason.value, 0))}
    languages = None
    if terms.choice is not None:
        found, languages = _by_language(found, terms.choice.languages)
    counts = Counter[str]()
    for key, number in found.items():
        counts[key.removeprefix(COUNTED)] += number
    counted = sum(number for key, number in found.items() if key.startswith(COUNTED))
    eligible = sum(counts.values())
    template = campaign.template
    is_marketing = template is not None and template.category.upper() == MARKETING
    in_us = sum(number for area, number in counts.items() if country_of(area) == "US") if is_marketing else 0
    return Reach(sum(not_sent.values()) + eligible, eligible, not_sent, in_us, dict(counts.items()), counted, languages)


def _by_language(found: Counter[str], languages: Sequence[str]) -> tuple[Counter[str], dict[str, int]]:
    """Split the language off the keys: the numbers by what is left of them, and by language."""
    rest, people = Counter[str](), dict.fromkeys(languages, 0)
    for key, number in found.items():
        place, _, area = key.partition(IN_LANGUAGE)
        people[languages[int(place)]] += number
        rest[area] += number
    return rest, people


def _limited_portfolio(session: Session, campaign: Campaign, now: datetime) -> int | None:
    """The campaign's portfolio, if it has a messaging limit for which somebody counts now: else nobody need be looked up."""
    portfolio = campaign.number.waba.portfolio if campaign.number is not None else None
    if portfolio is None or portfolio.messaging_limit in {None, UNLIMITED}:
        return None
    counts = (LedgerEntry.portfolio_id == portfolio.id, LedgerEntry.first_at > now - LIMIT_SPAN)
    return portfolio.id if session.scalar(select(LedgerEntry.person_key).where(*counts).limit(1)) else None


def _count(session: Session, terms: CampaignTerms, portfolio_id: int | None) -> Counter[str]:
    """Count candidates by reason or price area, with COUNTED before the area of people who count for the portfolio's limit.

    SQLite counts many contacts in parallel parts by id: each contact is in one part, so the sums are exact, though the parts read
    at slightly different times. PostgreSQL is faster with one query over all.
    """
    raise_work_mem(session)
    count = _Count(terms, duplicate_person_keys(session), portfolio_id)
    reader = reader_for(session)
    parts = _parts(session)
    # A session that may write stays alone: other sessions would not see its uncommitted rows.
    if reader is None or len(parts) == 1 or not _PARALLEL_LOCK.acquire(blocking=False):
        return count.of(session, (0, None))
    try:
        with ThreadPoolExecutor(min(MAX_THREADS, os.cpu_count() or 1)) as threads:
            return sum(threads.map(lambda part: count.in_new_session(reader, part), parts), Counter[str]())
    finally:
        _PARALLEL_LOCK.release()


def _parts(session: Session) -> Sequence[ReachPart]:
    """Return ranges that cover all contacts; one range if there are few."""
    if not is_sqlite(session):
        return [(0, None)]
    last = session.scalar(select(func.max(CONTACT.c.id))) or 0
    number = max(1, last // PART)
    bounds = [last * index // number for index in range(number)]
    return list(zip(bounds, [*bounds[1:], None], strict=True))


@dataclass(frozen=True, slots=True)
class _Count:
    terms: CampaignTerms
    duplicate_keys: Sequence[str]
    portfolio_id: int | None

    def of(self, session: Session, part: ReachPart) -> Counter[str]:
        candidates = candidates_with_reason(
            self.terms, after_id=part[0], until_id=part[1], duplicate_keys=self.duplicate_keys
        )
        counted = candidates.add_columns(self._area().label("area")).subquery("judged")
        # One key to group by: with two, SQLite would evaluate the waterfall twice for each contact.
        key = func.coalesce(literal(LEFT_OUT) + counted.c.reason, counted.c.area)
        rows = session.execute(select(key, func.count().label("people")).group_by(key))
        return Counter({row[0]: row.people for row in rows})

    def _area(self) -> ColumnElement[str]:
        area = price_area(CONTACT)
        if self.portfolio_id is not None:
            area = self._marked(area, self.portfolio_id)
        if self.terms.choice is None:
            return area
        return cast(self.terms.position(), String).concat(literal(IN_LANGUAGE)).concat(area)

    def _marked(self, area: ColumnElement[str], portfolio_id: int) -> ColumnElement[str]:
        counts = Probe().where(
            LedgerEntry.portfolio_id == portfolio_id,
            LedgerEntry.person_key == CONTACT.c.person_key,
            LedgerEntry.first_at > self.terms.now - LIMIT_SPAN,
        )
        return case((counts, literal(COUNTED) + area), else_=area)

    def in_new_session(self, reader: Reader, part: ReachPart) -> Counter[str]:
        with reader() as session:
            return self.of(session, part)
