"""Reads an account's pricing and template analytics at Meta once a night, and stores them beside our own count of the same days."""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import TypeVar

from sqlalchemy import select

from bot.meta.analytics import PricePoint, TemplatePoint, price_points, template_points
from bot.meta.management import GraphError
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime, runtime
from jobs.core.wake_ups import READ_META_BOOKS
from jobs.maintenance.meta_sync import management_client
from models.billing.meta_books import (
    MetaCount,
    MetaTemplateCount,
    accounts_to_read,
    note_reading,
    store_comparison,
    store_template_days,
)
from models.billing.own_days import DayKey, own_counts, without_phones
from models.clock import utcnow
from models.db.engine import zone_of
from models.stored_texts import META_SAYS
from models.tables.campaign import Campaign
from models.tables.number import Number, Waba
from models.tables.template import Template

log = logging.getLogger("hark.books")

DAYS = 8
"""How many whole days are read again each night: Meta's figures come late, and her counts of templates end after 7 days."""
FROM_HOUR = 4
"""Of the business's time zone."""
RETRY_AFTER = timedelta(minutes=30)
ONE_DAY = timedelta(days=1)
Points = TypeVar("Points")


def read_meta_books(waba_pk: int) -> None:
    """The job: reads one account. What Meta refuses stands in its row."""
    rt = runtime()
    READ_META_BOOKS.started(rt.redis, waba_pk)
    compare_account(rt, waba_pk, utcnow())


def wake_meta_books(rt: Runtime, now: datetime) -> int:
    """Enqueue a reading of every account that was not read this night; returns how many."""
    with rt.database.read() as session:
        zone = zone_of(session)
        night = datetime.combine(now.astimezone(zone).date(), time(FROM_HOUR), zone).astimezone(UTC)
        if now < night:
            return 0
        accounts = session.scalars(select(Waba.id).where(Waba.id.in_(select(Number.waba_id))).order_by(Waba.id)).all()
        due = accounts_to_read(session, accounts, night, now - RETRY_AFTER)
    return sum(READ_META_BOOKS.enqueue(rt.redis, pk) for pk in due)


def compare_account(rt: Runtime, waba_pk: int, now: datetime) -> list[GraphError]:
    """Read the last days of an account at Meta and store them beside our own count; returns what Meta refused.

    Raises LookupError if the account has no number.
    """
    end = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    begin = end - timedelta(days=DAYS)
    with rt.database.read() as session:
        number = session.scalars(select(Number).where(Number.waba_id == waba_pk).order_by(Number.id)).first()
        if number is None:
            raise LookupError(f"account {waba_pk} has no number")
        waba_id = number.waba.waba_id
        used = select(Campaign.template_id).where(Campaign.started_at > begin - timedelta(days=30))
        templates = select(Template.meta_id).where(
            Template.waba_id == waba_pk, Template.meta_id.is_not(None), Template.id.in_(used)
        )
        template_ids = [str(meta_id) for meta_id in session.scalars(templates.order_by(Template.id))]
    with management_client(rt, number) as graph:
        prices, prices_error = _asked(lambda: price_points(graph, waba_id, begin, end))
        found, templates_error = _asked(lambda: template_points(graph, waba_id, template_ids, begin, end))
    _store(rt, waba_pk, prices, found, (begin, end), now)
    errors = [error for error in (prices_error, templates_error) if error is not None]
    _note(rt, waba_pk, now, prices_error, templates_error)
    for error in errors:
        log.warning("analytics of account %s: %s", waba_pk, error)
    return errors


def _asked(read: Callable[[], list[Points]]) -> tuple[list[Points] | None, GraphError | None]:
    try:
        return read(), None
    except GraphError as error:
        return None, error


@retry_conflicts
def _store(
    rt: Runtime,
    waba_pk: int,
    prices: Sequence[PricePoint] | None,
    templates: Sequence[TemplatePoint] | None,
    span: tuple[datetime, datetime],
    now: datetime,
) -> None:
    days = _days(prices or (), *span)
    if prices is not None:
        meta = _meta_counts(prices, {begin for begin, _ in days})
        with rt.database.read() as session:
            currency = session.get_one(Waba, waba_pk).currency
            own = own_counts(session, waba_pk, currency, days)
        if meta and not any(key.phone for key in meta):
            own = without_phones(own)
        with rt.database.write() as session:
            store_comparison(session, waba_pk, days, meta, own, now)
    if templates:
        counts = [
            MetaTemplateCount(it.template_id, it.begin, it.product, it.sent, it.delivered, it.read, it.cost)
            for it in templates
        ]
        with rt.database.write() as session:
            store_template_days(session, waba_pk, counts, now)


@retry_conflicts
def _note(rt: Runtime, waba_pk: int, now: datetime, prices: GraphError | None, templates: GraphError | None) -> None:
    errors = [error for error in (prices, templates) if error is not None]
    with rt.database.write() as session:
        note_reading(
            session,
            waba_pk,
            now,
            prices=META_SAYS(said=prices).stored() if prices else None,
            templates=META_SAYS(said=templates).stored() if templates else None,
            is_done=not any(error.is_transient for error in errors),
        )


def _days(points: Sequence[PricePoint], begin: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """The whole days from `begin` to `end` as Meta divides them, and between them days of which she lists nothing.

    Her days begin at midnight in UTC, or in the account's zone, where they can have 23 or 25 hours.
    """
    named = {(point.begin, point.end) for point in points if begin <= point.begin and point.end <= end}
    days: list[tuple[datetime, datetime]] = []
    for day in sorted(named):
        if not days or day[0] >= days[-1][1]:
            days.append(day)
    shift = (days[0][0] - begin) % ONE_DAY if days else timedelta()
    for place in range(DAYS):
        first = begin + shift + place * ONE_DAY
        if first + ONE_DAY <= end and not any(first < until and first + ONE_DAY > since for since, until in named):
            days.append((first, first + ONE_DAY))
    return sorted(days)


def _meta_counts(points: Sequence[PricePoint], begins: set[datetime]) -> dict[DayKey, MetaCount]:
    counts: dict[DayKey, MetaCount] = {}
    for point in points:
        key = DayKey(point.begin, point.phone, point.country, point.category, point.pricing_type)
        if point.begin in begins:
            before = counts.get(key, MetaCount(0, 0))
            cost = None if point.cost is None or before.cost is None else before.cost + point.cost
            counts[key] = MetaCount(before.volume + point.volume, cost)
    return counts
