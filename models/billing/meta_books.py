"""Stores what Meta's analytics say beside our own count, and says where they differ and why that may be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from models.billing.own_days import UNTOLD, DayKey, Days, OwnCount
from models.db.dialect import NO_SYNC, insert_into
from models.tables.meta_charge import MetaCharge, MetaReading, MetaTemplateDay
from models.tables.template import Template

KEPT_FOR = timedelta(days=400)
STILL_CHANGES = timedelta(days=3)
"""Meta's figures of the days before may still grow."""


@dataclass(frozen=True, slots=True)
class MetaCount:
    """What Meta counted: delivered messages, and what they cost in millionths (None: she does not say)."""

    volume: int
    cost: int | None


@dataclass(frozen=True, slots=True)
class MetaTemplateCount:
    """What became of a template's messages of a day by a product. `meta_id` is the template's id at Meta."""

    meta_id: str
    begin: datetime
    product: str
    sent: int
    delivered: int
    read: int
    cost: int | None


def store_comparison(
    session: Session,
    waba_pk: int,
    days: Days,
    meta: Mapping[DayKey, MetaCount],
    own: Mapping[DayKey, OwnCount],
    now: datetime,
) -> None:
    """Replace the rows of these days of an account, unless a later reading stored them already."""
    ends = dict(days)
    begin, end = days[0][0], days[-1][1]
    span = (MetaCharge.waba_id == waba_pk, MetaCharge.ends_at > begin, MetaCharge.begins_at < end)
    if session.scalar(select(MetaCharge.read_at).where(*span, MetaCharge.read_at > now).limit(1)) is not None:
        return
    session.execute(delete(MetaCharge).where(*span), execution_options=NO_SYNC)
    rows = [_row(waba_pk, key, ends[key.begin], meta.get(key), own.get(key), now) for key in sorted({*meta, *own})]
    if rows:
        session.execute(insert_into(session, MetaCharge.__table__), rows)


def store_template_days(session: Session, waba_pk: int, counts: Sequence[MetaTemplateCount], now: datetime) -> None:
    """Store what Meta says of an account's templates; of each count the highest stays, since Meta's go back to zero."""
    query = select(Template.meta_id, Template.id).where(Template.waba_id == waba_pk, Template.meta_id.is_not(None))
    ids = {row.meta_id: row.id for row in session.execute(query)}
    stored = {
        (row.template_id, row.begins_at, row.product): row
        for row in session.scalars(select(MetaTemplateDay).where(MetaTemplateDay.template_id.in_(ids.values())))
    }
    for count in counts:
        if count.meta_id not in ids:
            continue
        key = (ids[count.meta_id], count.begin, count.product)
        row = stored.get(key)
        if row is None:
            row = stored[key] = MetaTemplateDay(
                template_id=key[0], begins_at=key[1], product=key[2], sent=0, delivered=0, read=0
            )
            session.add(row)
        for name in ("sent", "delivered", "read"):
            setattr(row, name, max(getattr(row, name), getattr(count, name)))
        row.cost = row.cost if count.cost is None else max(row.cost or 0, count.cost)
        row.read_at = now


def accounts_to_read(session: Session, waba_pks: Sequence[int], since: datetime, retry_before: datetime) -> list[int]:
    """Return the accounts that were not read since then, and not tried after `retry_before`."""
    is_done = or_(MetaReading.read_at >= since, MetaReading.tried_at > retry_before)
    done = set(session.scalars(select(MetaReading.waba_id).where(is_done)))
    return [pk for pk in waba_pks if pk not in done]


def note_reading(
    session: Session, waba_pk: int, now: datetime, *, prices: str | None, templates: str | None, is_done: bool
) -> None:
    """Note a reading, with the stored texts of what Meta refused; `is_done`: it need not be tried again today."""
    row = session.get(MetaReading, waba_pk)
    if row is None:
        row = MetaReading(waba_id=waba_pk)
        session.add(row)
    row.tried_at, row.prices_error, row.templates_error = now, prices, templates
    if is_done:
        row.read_at = now


def purge_meta_charges(session: Session, now: datetime, limit: int = 500) -> int:
    """Delete a slice of the rows whose day began long ago."""
    keys = session.execute(
        select(MetaCharge.waba_id, MetaCharge.begins_at)
        .where(MetaCharge.begins_at < now - KEPT_FOR)
        .distinct()
        .limit(5)
    ).all()
    for waba_pk, begin in keys[:limit]:
        gone = (MetaCharge.waba_id == waba_pk, MetaCharge.begins_at == begin)
        session.execute(delete(MetaCharge).where(*gone), execution_options=NO_SYNC)
    return len(keys)


def reasons_of(row: MetaCharge, now: datetime) -> list[str]:
    """Return why our figures of a row may differ from Meta's, the likeliest first; empty where they are alike."""
    reasons: list[str] = []
    if row.volume is None and row.pricing_type == UNTOLD:
        reasons.append("Meta has not said with their statuses whether these messages are billed")
    elif (row.volume or 0) > row.own_volume:
        reasons.append("statuses of messages did not arrive here, or another program sends from this number")
    elif (row.volume or 0) < row.own_volume:
        reasons.append("Meta's analytics are approximate and come late")
    if (row.volume or 0) != row.own_volume and now - row.ends_at < STILL_CHANGES:
        reasons.append("Meta's figures of the last days still change")
    if row.own_unpriced:
        reasons.append("the rate card has no price for some of these messages, or another currency than the account")
    elif row.volume is not None and row.cost is None:
        reasons.append("Meta names no costs, as where a partner's credit line pays")
    elif row.volume == row.own_volume and row.cost != row.own_cost:
        reasons.append("the rate card says another price than Meta bills, such as that of a volume tier")
    return reasons


def _row(
    waba_pk: int, key: DayKey, end: datetime, meta: MetaCount | None, own: OwnCount | None, now: datetime
) -> dict[str, Any]:
    found = own or OwnCount()
    return {
        "waba_id": waba_pk,
        "begins_at": key.begin,
        **{name: value for name, value in key._asdict().items() if name != "begin"},
        "ends_at": end,
        "volume": None if meta is None else meta.volume,
        "cost": None if meta is None else meta.cost,
        "own_volume": found.volume,
        "own_cost": None if found.unpriced and not found.cost else found.cost,
        "own_unpriced": found.unpriced,
        "read_at": now,
    }
