"""Explains why an order belongs to a campaign: what happened with the message before it, and when."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from models.conversions.figures import MoneySum
from models.db.bulk import among
from models.tables.campaign import Campaign
from models.tables.conversion import AttributionModel, Conversion, Touch
from models.tables.order import Order
from models.tables.recipient import Recipient


@dataclass(frozen=True, slots=True)
class ExplainedOrder:
    """An order with the message that it belongs to. `steps`: what happened and when, in the order of time, the order last."""

    order_id: int
    number: str
    contact_id: int
    campaign_id: int
    campaign: str
    recipient_id: int
    touch: Touch
    within_days: int
    has_value: bool
    ordered_at: datetime
    total: MoneySum
    refunded: MoneySum
    net: MoneySum
    steps: Sequence[tuple[str, datetime]]


def explain_orders(
    session: Session, order_ids: Iterable[int], model: AttributionModel = AttributionModel.LAST_TOUCH
) -> dict[int, ExplainedOrder]:
    """The orders that belong to a campaign, by id."""
    query = _query(model).where(among(session, Conversion.order_id, order_ids))
    return {found.order_id: found for found in _explained(session.execute(query))}


def list_conversions(
    session: Session,
    campaign_id: int,
    model: AttributionModel = AttributionModel.LAST_TOUCH,
    *,
    before: tuple[datetime, int] | None = None,
    limit: int = 20,
) -> list[ExplainedOrder]:
    """A page of the orders that belong to a campaign, the newest first; `before` is time and id of the last one shown."""
    query = _query(model).where(Conversion.campaign_id == campaign_id)
    if before is not None:
        at, order_id = before
        is_older = and_(Conversion.ordered_at == at, Conversion.order_id < order_id)
        query = query.where(or_(Conversion.ordered_at < at, is_older))
    newest = query.order_by(Conversion.ordered_at.desc(), Conversion.order_id.desc()).limit(limit)
    return list(_explained(session.execute(newest)))


def _query(model: AttributionModel) -> Any:
    return (
        select(
            Conversion,
            Order.number,
            Order.external_id,
            Recipient.contact_id,
            Recipient.delivered_at,
            Recipient.read_at,
            Campaign.name.label("campaign"),
        )
        .join(Order, Order.id == Conversion.order_id)
        .join(Recipient, Recipient.id == Conversion.recipient_id)
        .join(Campaign, Campaign.id == Conversion.campaign_id)
        .where(Conversion.model == model)
    )


def _explained(rows: Iterable[Any]) -> Iterator[ExplainedOrder]:
    for row in rows:
        found: Conversion = row.Conversion
        yield ExplainedOrder(
            order_id=found.order_id,
            number=row.number or row.external_id,
            contact_id=row.contact_id,
            campaign_id=found.campaign_id,
            campaign=row.campaign,
            recipient_id=found.recipient_id,
            touch=found.touch,
            within_days=found.within_days,
            has_value=found.has_value,
            ordered_at=found.ordered_at,
            total=MoneySum(found.total_milli, found.currency),
            refunded=MoneySum(found.refunded_milli, found.currency),
            net=MoneySum(found.total_milli - found.refunded_milli, found.currency),
            steps=_steps(found, row),
        )


def _steps(conversion: Conversion, row: Any) -> Sequence[tuple[str, datetime]]:
    """Of the message what had happened by then: delivered and read as it was told, and the touch that decided."""
    times = {Touch.DELIVERED: row.delivered_at, Touch.READ: row.read_at, conversion.touch: conversion.touched_at}
    happened = [(touch.value, at) for touch, at in times.items() if at is not None and at <= conversion.ordered_at]
    return (*sorted(happened, key=lambda step: step[1]), ("ordered", conversion.ordered_at))
