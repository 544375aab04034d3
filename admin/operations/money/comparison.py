"""Compares a month's charges with Meta's own analytics, for command line and panel: hers, ours, the difference, why it may be."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from admin.operations.answers import read_month
from jobs.analytics.meta_books import compare_account
from jobs.core.runtime import Runtime
from models.billing.amount import show_amount
from models.billing.meta_books import reasons_of
from models.billing.months import month_begin, month_of, next_month
from models.billing.own_days import digits_of
from models.clock import utcnow
from models.db.engine import zone_of
from models.errors import OperatorError
from models.stored_texts import show_stored
from models.tables.meta_charge import MetaCharge, MetaReading, MetaTemplateDay
from models.tables.number import Number, Waba
from models.tables.template import Template

MAX_ROWS = 2000
_GROUPS: dict[str, Callable[[MetaCharge], str]] = {
    "days": lambda row: f"{row.begins_at:%Y-%m-%d}",
    "numbers": lambda row: row.phone,
    "categories": lambda row: row.category,
    "countries": lambda row: row.country,
}


@dataclass(slots=True)
class _Sum:
    meta: int = 0
    own: int = 0
    meta_cost: int | None = 0
    own_cost: int | None = 0
    unpriced: int = 0
    reasons: dict[str, None] = field(default_factory=dict)


def compare_month(rt: Runtime, month: str | None = None) -> dict[str, Any]:
    """Return `month`, `accounts` (with their sums, what differs and why), and `templates`; this month without one.

    Costs are texts in the account's currency, null where they are unknown. Raises OperatorError if `month` is none such as 2026-11.
    """
    now = utcnow()
    with rt.database.read() as session:
        zone = zone_of(session)
        first_day = read_month(month) if month else month_of(now, zone)
        begin, end = month_begin(first_day, zone), month_begin(next_month(first_day), zone)
        accounts = session.scalars(select(Waba).where(Waba.id.in_(select(Number.waba_id))).order_by(Waba.id)).all()
        return {
            "month": f"{first_day:%Y-%m}",
            "accounts": [_account(session, waba, begin, end, now) for waba in accounts],
            "templates": _templates(session, begin, end),
        }


def read_now(rt: Runtime) -> list[str]:
    """Read all accounts at Meta now; returns in words what she refused. Raises OperatorError if there is no account."""
    with rt.database.read() as session:
        accounts = session.scalars(select(Number.waba_id).distinct().order_by(Number.waba_id)).all()
    if not accounts:
        raise OperatorError("there is no number yet, so Meta has no figures: flask numbers add")
    return [str(error) for pk in accounts for error in compare_account(rt, pk, utcnow())]


def _account(session: Session, waba: Waba, begin: datetime, end: datetime, now: datetime) -> dict[str, Any]:
    reading = session.get(MetaReading, waba.id)
    query = select(MetaCharge).where(
        MetaCharge.waba_id == waba.id, MetaCharge.begins_at >= begin, MetaCharge.begins_at < end
    )
    rows = session.scalars(query.order_by(MetaCharge.begins_at, MetaCharge.phone, MetaCharge.country)).all()
    names = {digits_of(row.display_phone): row.name for row in session.scalars(select(Number))}
    differing = [row for row in rows if _differs(row)]
    return {
        "id": waba.id,
        "name": waba.name or waba.waba_id,
        "currency": waba.currency,
        "read_at": reading.read_at.isoformat() if reading and reading.read_at else None,
        "prices_error": show_stored(reading.prices_error) if reading else None,
        "templates_error": show_stored(reading.templates_error) if reading else None,
        "total": _sum_json(_summed(rows, lambda _: "", now).get("", _Sum())),
        **{
            name: [
                {"name": names.get(label, label) if name == "numbers" else label} | _sum_json(found)
                for label, found in sorted(_summed(rows, key, now).items())
            ]
            for name, key in _GROUPS.items()
        },
        "differences": [_row_json(row, names, now) for row in differing[:MAX_ROWS]],
        "more_differences": max(0, len(differing) - MAX_ROWS),
    }


def _differs(row: MetaCharge) -> bool:
    return row.volume != row.own_volume or row.cost != row.own_cost


def _summed(rows: Iterable[MetaCharge], key: Callable[[MetaCharge], str], now: datetime) -> dict[str, _Sum]:
    """Sums by key. A cost is unknown once one of its parts is; reasons are those of the rows that differ."""
    sums: dict[str, _Sum] = {}
    for row in rows:
        found = sums.setdefault(key(row), _Sum())
        found.meta += row.volume or 0
        found.own += row.own_volume
        found.unpriced += row.own_unpriced
        if row.volume is not None:
            found.meta_cost = None if found.meta_cost is None or row.cost is None else found.meta_cost + row.cost
        found.own_cost = None if found.own_cost is None or row.own_cost is None else found.own_cost + row.own_cost
        if _differs(row):
            found.reasons.update(dict.fromkeys(reasons_of(row, now)))
    return sums


def _sum_json(found: _Sum) -> dict[str, Any]:
    return {
        "meta_messages": found.meta,
        "own_messages": found.own,
        "difference": found.meta - found.own,
        "own_unpriced": found.unpriced,
        **_costs(found.meta_cost, found.own_cost),
        "reasons": list(found.reasons),
    }


def _row_json(row: MetaCharge, names: dict[str, str], now: datetime) -> dict[str, Any]:
    return {
        "day": f"{row.begins_at:%Y-%m-%d}",
        "begins_at": row.begins_at.isoformat(),
        "number": names.get(row.phone, row.phone) or None,
        "country": row.country or None,
        "category": row.category or None,
        "type": row.pricing_type or None,
        "meta_messages": row.volume,
        "own_messages": row.own_volume,
        "difference": (row.volume or 0) - row.own_volume,
        "own_unpriced": row.own_unpriced,
        **_costs(row.cost, row.own_cost),
        "reasons": reasons_of(row, now),
    }


def _costs(meta: int | None, own: int | None) -> dict[str, str | None]:
    return {
        "meta_cost": None if meta is None else show_amount(meta),
        "own_cost": None if own is None else show_amount(own),
        "cost_difference": None if meta is None or own is None else show_amount(meta - own),
    }


def _templates(session: Session, begin: datetime, end: datetime) -> list[dict[str, Any]]:
    """What Meta says of each template's messages of the month, by product."""
    counts = [func.sum(getattr(MetaTemplateDay, name)).label(name) for name in ("sent", "delivered", "read", "cost")]
    query = (
        select(Template.id, Template.name, Template.language, MetaTemplateDay.product, *counts)
        .join(Template, Template.id == MetaTemplateDay.template_id)
        .where(MetaTemplateDay.begins_at >= begin, MetaTemplateDay.begins_at < end)
        .group_by(Template.id, Template.name, Template.language, MetaTemplateDay.product)
        .order_by(Template.name, Template.language, MetaTemplateDay.product)
    )
    return [
        {
            "id": row.id,
            "name": row.name,
            "language": row.language,
            "product": row.product,
            **{name: int(getattr(row, name)) for name in ("sent", "delivered", "read")},
            "cost": None if row.cost is None else show_amount(int(row.cost)),
        }
        for row in session.execute(query)
    ]
