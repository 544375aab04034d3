"""Stores orders of contacts: inserts new ones, updates changed ones, ignores older versions; and sums up a contact's orders."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import Table, delete, func, insert, or_, select
from sqlalchemy.orm import Session

from models.billing.amount import show_milli
from models.db.dialect import insert_into
from models.imports.diff import MAX_TOLD
from models.shop.refunds import link_refunds
from models.tables.order import Order, OrderItem, OrderItemKind

CHUNK = 500
MAX_NAMES = 20
_ORDER, _BOUGHT = cast(Table, Order.__table__), cast(Table, OrderItem.__table__)
_COMPARED = (
    "contact_id",
    "number",
    "total_milli",
    "gross_milli",
    "refunded_milli",
    "currency",
    "placed_at",
    "cancelled_at",
    "items",
)
"""The columns that are compared to find out whether an order changed."""
_WORDS = {"number": "number", "currency": "currency"}
_PLAIN = {
    "contact_id": "whose it is",
    "placed_at": "when it was placed",
    "cancelled_at": "whether it was cancelled",
    "items": "the things in it",
    "gross_milli": "what it was worth before refunds",
    "refunded_milli": "what was refunded",
}


class OrderKey(NamedTuple):
    """The identity of an order."""

    shop: str
    external_id: str


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order from a file or a webhook. `changed_at` is the source's time of the change, None if it gives none."""

    key: OrderKey
    contact_id: int
    number: str
    total_milli: int
    currency: str
    placed_at: datetime
    cancelled_at: datetime | None = None
    items: list[dict[str, Any]] = field(default_factory=list)
    changed_at: datetime | None = None
    gross_milli: int | None = None
    refunded_milli: int | None = None


@dataclass(slots=True)
class OrderTally:
    """The numbers of orders by result."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    changes: list[tuple[OrderKey, str]] = field(default_factory=list)
    """In a dry run: the first orders that would change, each with a description of the change."""


def upsert_orders(session: Session, orders: Iterable[NewOrder], now: datetime, *, dry_run: bool = False) -> OrderTally:
    """Store orders, each with a different key; one that is older than the stored one changes nothing. `dry_run` only counts."""
    tally = OrderTally()
    sorted_orders = sorted(orders, key=lambda order: order.key)
    for start in range(0, len(sorted_orders), CHUNK):
        chunk = sorted_orders[start : start + CHUNK]
        stored = _load_stored(session, [order.key for order in chunk])
        changed = []
        for order in chunk:
            row = stored.get(order.key)
            if row is None:
                tally.created += 1
                changed.append(order)
            elif _is_newer(order, row):
                tally.updated += 1
                changed.append(order)
                if dry_run and len(tally.changes) < MAX_TOLD:
                    tally.changes.append((order.key, _describe_change(order, row)))
            else:
                tally.unchanged += 1
        if changed and not dry_run:
            _write(session, changed, now)
    return tally


def _load_stored(session: Session, keys: Sequence[OrderKey]) -> dict[OrderKey, Mapping[str, Any]]:
    columns = [_ORDER.c[name] for name in ("shop", "external_id", "changed_at", *_COMPARED)]
    rows: dict[OrderKey, Mapping[str, Any]] = {}
    for shop in {key.shop for key in keys}:
        ids = [key.external_id for key in keys if key.shop == shop]
        query = select(*columns).where(_ORDER.c.shop == shop, _ORDER.c.external_id.in_(ids))
        rows |= {OrderKey(row["shop"], row["external_id"]): dict(row) for row in session.execute(query).mappings()}
    return rows


def _is_newer(order: NewOrder, row: Mapping[str, Any]) -> bool:
    if order.changed_at is not None and row["changed_at"] is not None:
        if order.changed_at < row["changed_at"]:
            return False
        if order.changed_at > row["changed_at"]:
            return True
    return any(getattr(order, name) != row[name] for name in _COMPARED)


def _describe_change(order: NewOrder, row: Mapping[str, Any]) -> str:
    changed = [name for name in _COMPARED if getattr(order, name) != row[name]]
    steps = [f"{_WORDS[name]} {row[name] or '–'} → {getattr(order, name)}" for name in changed if name in _WORDS]
    if "total_milli" in changed:
        steps.append(f"total {show_milli(row['total_milli'])} → {show_milli(order.total_milli)}")
    return "; ".join([*steps, *(_PLAIN[name] for name in changed if name in _PLAIN)]) or "when it last changed"


def _write(session: Session, orders: Sequence[NewOrder], now: datetime) -> None:
    """Write orders sorted by key, so that two processes with the same orders wait for each other without a deadlock."""
    rows = [
        {name: getattr(order, name) for name in (*_COMPARED, "changed_at")}
        | {"shop": order.key.shop, "external_id": order.key.external_id, "created_at": now, "updated_at": now}
        for order in orders
    ]
    statement = insert_into(session, _ORDER)
    excluded = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=["shop", "external_id"],
        set_={name: excluded[name] for name in (*_COMPARED, "changed_at", "updated_at")},
        # Another process may have stored a newer version meanwhile.
        where=or_(
            _ORDER.c.changed_at.is_(None), excluded.changed_at.is_(None), excluded.changed_at >= _ORDER.c.changed_at
        ),
    ).returning(_ORDER.c.id, _ORDER.c.shop, _ORDER.c.external_id)
    order_ids = {OrderKey(row.shop, row.external_id): row.id for row in session.connection().execute(statement, rows)}
    session.execute(delete(OrderItem).where(OrderItem.order_id.in_(order_ids.values())))
    for shop in {key.shop for key in order_ids}:
        link_refunds(session, shop, [key.external_id for key in order_ids if key.shop == shop])
    bought = [
        {"order_id": order_ids[order.key], "kind": kind, "name": name}
        for order in orders
        if order.key in order_ids
        for kind, name in _names(order.items)
    ]
    if bought:
        session.connection().execute(insert(_BOUGHT), bought)


def _names(items: Sequence[Mapping[str, Any]]) -> set[tuple[OrderItemKind, str]]:
    kinds_and_names = (
        (kind, str(name)) for item in items for kind in OrderItemKind for name in item_names(item.get(kind.value))
    )
    return {(kind, name) for kind, name in kinds_and_names if name}


def item_names(value: Any) -> list[str]:
    """Return the names in a field of an item, which is a text or a list of texts; at most `MAX_NAMES`."""
    names = value if isinstance(value, list) else [value]
    return [name.strip()[:200] for name in names[:MAX_NAMES] if isinstance(name, str) and name.strip()]


@dataclass(frozen=True, slots=True)
class OrderSummary:
    """The orders of a contact. `newest` includes cancelled ones; `count` and `sums` do not. A sum is (currency, thousandths)."""

    newest: Sequence[Order]
    count: int
    cancelled: int
    sums: Sequence[tuple[str, int]]


def load_orders(session: Session, contact_id: int, limit: int) -> OrderSummary:
    """Load the newest `limit` orders of a contact, and the number and sums of all."""
    of_contact = select(Order).where(Order.contact_id == contact_id)
    newest = session.scalars(of_contact.order_by(Order.placed_at.desc(), Order.id.desc()).limit(limit)).all()
    sums_by_currency = session.execute(
        select(Order.currency, func.count(), func.sum(Order.total_milli))
        .where(Order.contact_id == contact_id, Order.cancelled_at.is_(None))
        .group_by(Order.currency)
        .order_by(Order.currency)
    ).all()
    cancelled = session.scalar(
        select(func.count()).where(Order.contact_id == contact_id, Order.cancelled_at.is_not(None))
    )
    sums = [(currency, int(total)) for currency, _, total in sums_by_currency]
    return OrderSummary(newest, sum(count for _, count, _ in sums_by_currency), cancelled or 0, sums)
