"""Taking orders in: what is new, what changed, what is only late. Orders of people; whose they are was found before."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import Table, delete, func, insert, or_, select
from sqlalchemy.orm import Session

from models.billing.amount import MICRO, show_amount
from models.db.dialect import insert_into
from models.imports.diff import MAX_TOLD
from models.tables.order import MILLI, Order, OrderItem, OrderItemKind

CHUNK = 500
MAX_NAMES = 20
_ORDER, _BOUGHT = cast(Table, Order.__table__), cast(Table, OrderItem.__table__)
_SAID = ("contact_id", "number", "total_milli", "currency", "placed_at", "cancelled_at", "items")
"""What makes two tellings of an order the same."""
_WORDS = {"number": "number", "currency": "currency"}
_PLAIN = {
    "contact_id": "whose it is",
    "placed_at": "when it was placed",
    "cancelled_at": "whether it was cancelled",
    "items": "the things in it",
}


class OrderKey(NamedTuple):
    """What an order is known by."""

    shop: str
    external_id: str


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order as somebody tells it. `changed_at` is the teller's own time of that, where there is one."""

    key: OrderKey
    contact_id: int
    number: str
    total_milli: int
    currency: str
    placed_at: datetime
    cancelled_at: datetime | None = None
    items: list[dict[str, Any]] = field(default_factory=list)
    changed_at: datetime | None = None


@dataclass(slots=True)
class OrderTally:
    """What became of them."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    told: list[tuple[OrderKey, str]] = field(default_factory=list)
    """What would change of the first orders that a dry run would change."""


def upsert_orders(session: Session, orders: Iterable[NewOrder], now: datetime, *, dry_run: bool = False) -> OrderTally:
    """Store orders with different keys; one that is older than what is known changes nothing."""
    tally = OrderTally()
    given = sorted(orders, key=lambda order: order.key)
    for start in range(0, len(given), CHUNK):
        chunk = given[start : start + CHUNK]
        known = _known(session, [order.key for order in chunk])
        told = []
        for order in chunk:
            row = known.get(order.key)
            if row is None:
                tally.created += 1
                told.append(order)
            elif _is_news(order, row):
                tally.updated += 1
                told.append(order)
                if dry_run and len(tally.told) < MAX_TOLD:
                    tally.told.append((order.key, _in_words(order, row)))
            else:
                tally.unchanged += 1
        if told and not dry_run:
            _write(session, told, now)
    return tally


def _known(session: Session, keys: Sequence[OrderKey]) -> dict[OrderKey, Mapping[str, Any]]:
    columns = [_ORDER.c[name] for name in ("shop", "external_id", "changed_at", *_SAID)]
    found: dict[OrderKey, Mapping[str, Any]] = {}
    for shop in {key.shop for key in keys}:
        ids = [key.external_id for key in keys if key.shop == shop]
        query = select(*columns).where(_ORDER.c.shop == shop, _ORDER.c.external_id.in_(ids))
        found |= {OrderKey(row["shop"], row["external_id"]): dict(row) for row in session.execute(query).mappings()}
    return found


def _is_news(order: NewOrder, row: Mapping[str, Any]) -> bool:
    if order.changed_at is not None and row["changed_at"] is not None:
        if order.changed_at < row["changed_at"]:
            return False
        if order.changed_at > row["changed_at"]:
            return True
    return any(getattr(order, name) != row[name] for name in _SAID)


def _in_words(order: NewOrder, row: Mapping[str, Any]) -> str:
    changed = [name for name in _SAID if getattr(order, name) != row[name]]
    steps = [f"{_WORDS[name]} {row[name] or '–'} → {getattr(order, name)}" for name in changed if name in _WORDS]
    if "total_milli" in changed:
        steps.append(f"total {_money(row['total_milli'])} → {_money(order.total_milli)}")
    return "; ".join([*steps, *(_PLAIN[name] for name in changed if name in _PLAIN)]) or "when it last changed"


def _money(milli: int) -> str:
    return show_amount(milli * (MICRO // MILLI))


def _write(session: Session, orders: Sequence[NewOrder], now: datetime) -> None:
    """In the order of their keys, so that two who write the same ones wait for each other and not crosswise."""
    rows = [
        {name: getattr(order, name) for name in (*_SAID, "changed_at")}
        | {"shop": order.key.shop, "external_id": order.key.external_id, "created_at": now, "updated_at": now}
        for order in orders
    ]
    statement = insert_into(session, _ORDER)
    told = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=["shop", "external_id"],
        set_={name: told[name] for name in (*_SAID, "changed_at", "updated_at")},
        # Another process may have taken newer news meanwhile.
        where=or_(_ORDER.c.changed_at.is_(None), told.changed_at.is_(None), told.changed_at >= _ORDER.c.changed_at),
    ).returning(_ORDER.c.id, _ORDER.c.shop, _ORDER.c.external_id)
    written = {OrderKey(row.shop, row.external_id): row.id for row in session.connection().execute(statement, rows)}
    session.execute(delete(OrderItem).where(OrderItem.order_id.in_(written.values())))
    bought = [
        {"order_id": written[order.key], "kind": kind, "name": name}
        for order in orders
        if order.key in written
        for kind, name in _names(order.items)
    ]
    if bought:
        session.connection().execute(insert(_BOUGHT), bought)


def _names(items: Sequence[Mapping[str, Any]]) -> set[tuple[OrderItemKind, str]]:
    named = ((kind, str(name)) for item in items for kind in OrderItemKind for name in item_names(item.get(kind.value)))
    return {(kind, name) for kind, name in named if name}


def item_names(told: Any) -> list[str]:
    """The names of a field of an item, which holds one or several."""
    found = told if isinstance(told, list) else [told]
    return [name.strip()[:200] for name in found[:MAX_NAMES] if isinstance(name, str) and name.strip()]


@dataclass(frozen=True, slots=True)
class OrderSummary:
    """`newest` has the cancelled ones too; the sums count none of them. A sum is (currency, thousandths)."""

    newest: Sequence[Order]
    count: int
    cancelled: int
    sums: Sequence[tuple[str, int]]


def load_orders(session: Session, contact_id: int, limit: int) -> OrderSummary:
    """The newest of a contact's orders, and how many and how much they are in all."""
    mine = select(Order).where(Order.contact_id == contact_id)
    newest = session.scalars(mine.order_by(Order.placed_at.desc(), Order.id.desc()).limit(limit)).all()
    counted = session.execute(
        select(Order.currency, func.count(), func.sum(Order.total_milli))
        .where(Order.contact_id == contact_id, Order.cancelled_at.is_(None))
        .group_by(Order.currency)
        .order_by(Order.currency)
    ).all()
    cancelled = session.scalar(
        select(func.count()).where(Order.contact_id == contact_id, Order.cancelled_at.is_not(None))
    )
    sums = [(currency, int(total)) for currency, _, total in counted]
    return OrderSummary(newest, sum(count for _, count, _ in counted), cancelled or 0, sums)
