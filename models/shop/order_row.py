"""Reads the columns and rows of an orders file."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from models.contacts.field_values import FieldValueError, read_text
from models.shop.orders import NewOrder, OrderKey
from models.tables.order import in_milli

REQUIRED = ("order_id", "phone", "total", "currency", "placed_at")
ITEM_COLUMNS = ("product", "quantity", "collection", "brand")
COLUMNS = (*REQUIRED, "shop", "number", "cancelled_at", "updated_at", "refunded", *ITEM_COLUMNS)
MAX_ITEMS = 200

_AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,3}|,[0-9]{1,2})?")
"""A comma is a decimal separator only before one or two digits: before three it may separate thousands."""
_CURRENCY = re.compile(r"[A-Za-z]{3}")
_QUANTITY = re.compile(r"[0-9]{1,6}")
_SPACED_OFFSET = re.compile(r" ([+-][0-9]{2}:?[0-9]{2})$")


@dataclass(slots=True)
class OrderRow:
    """One order of a file, with the items of all its lines. `phone` identifies the contact; times are ISO 8601."""

    line: int
    shop: str
    order_id: str
    phone: str
    number: str
    total_milli: int
    currency: str
    placed_at: str
    cancelled_at: str | None
    updated_at: str | None
    refunded_milli: int | None = None
    items: list[dict[str, Any]] = field(default_factory=list)
    more_lines: list[int] = field(default_factory=list)
    """The further lines of the same order."""

    @property
    def key(self) -> OrderKey:
        """The order's identity: shop and id."""
        return OrderKey(self.shop, self.order_id)

    def order_of(self, contact_id: int) -> NewOrder:
        """Return the order of this contact."""
        return NewOrder(
            self.key,
            contact_id,
            self.number,
            self.total_milli,
            self.currency,
            datetime.fromisoformat(self.placed_at),
            datetime.fromisoformat(self.cancelled_at) if self.cancelled_at else None,
            self.items,
            datetime.fromisoformat(self.updated_at) if self.updated_at else None,
            refunded_milli=self.refunded_milli,
        )


def read_order_columns(header: Sequence[str]) -> dict[str, int]:
    """Map columns to positions, without unnamed ones. Raises FieldValueError if a required one is missing or one is unknown."""
    places = {name.strip().lower(): position for position, name in enumerate(header) if name.strip()}
    for name in places:
        if name not in COLUMNS:
            raise FieldValueError("the column {name!r} is not one of {allowed}", name=name, allowed=", ".join(COLUMNS))
    for name in REQUIRED:
        if name not in places:
            raise FieldValueError("there is no column {name!r}", name=name)
    return places


def read_key(cells: Sequence[str], places: Mapping[str, int]) -> OrderKey:
    """Return the identity of a line's order. Raises FieldValueError if the order_id is missing or a value is too long."""
    order_id = read_text(_cell(cells, places, "order_id"), 100, "order_id")
    if not order_id:
        raise FieldValueError("the order_id is missing")
    return OrderKey(read_text(_cell(cells, places, "shop"), 100, "shop"), order_id)


def read_order(line: int, cells: Sequence[str], places: Mapping[str, int]) -> OrderRow:
    """Read the first line of an order, with its item. Raises FieldValueError if a value is missing or invalid."""
    key = read_key(cells, places)
    for name in REQUIRED:
        if not _cell(cells, places, name):
            raise FieldValueError("the {name} is missing", name=name)
    cancelled, updated, refunded = (_cell(cells, places, name) for name in ("cancelled_at", "updated_at", "refunded"))
    row = OrderRow(
        line=line,
        shop=key.shop,
        order_id=key.external_id,
        phone=_cell(cells, places, "phone"),
        number=read_text(_cell(cells, places, "number"), 100, "number"),
        total_milli=_amount(_cell(cells, places, "total"), "total"),
        currency=_currency(_cell(cells, places, "currency")),
        placed_at=read_moment(_cell(cells, places, "placed_at"), "placed_at").isoformat(),
        cancelled_at=read_moment(cancelled, "cancelled_at").isoformat() if cancelled else None,
        updated_at=read_moment(updated, "updated_at").isoformat() if updated else None,
        refunded_milli=_amount(refunded, "refunded") if refunded else None,
    )
    add_item(row, cells, places)
    return row


def add_item(row: OrderRow, cells: Sequence[str], places: Mapping[str, int]) -> None:
    """Add a line's item: product, quantity, collections (`summer;sale`) and brand. Raises FieldValueError if one is invalid."""
    item: dict[str, Any] = {}
    title, brand = (read_text(_cell(cells, places, name), 200, name) for name in ("product", "brand"))
    collections = [read_text(name, 200, "collection") for name in _cell(cells, places, "collection").split(";")]
    quantity = _cell(cells, places, "quantity")
    if quantity and not _QUANTITY.fullmatch(quantity):
        raise FieldValueError("quantity is {quantity!r}, no whole number", quantity=quantity[:40])
    fields = {"title": title, "brand": brand, "collection": [name for name in collections if name]}
    item = {name: value for name, value in fields.items() if value}
    if item:
        if len(row.items) >= MAX_ITEMS:
            raise FieldValueError("the order has more than {max_items} lines", max_items=MAX_ITEMS)
        row.items.append(item | ({"quantity": int(quantity)} if quantity else {}))


def read_moment(text: str, what: str) -> datetime:
    """Read a time with its offset, or a day, as its midnight UTC; `what` names it in the error.

    Raises FieldValueError if it is neither.
    """
    try:
        if len(text) == 10:
            day = date.fromisoformat(text)
            return datetime(day.year, day.month, day.day, tzinfo=UTC)
        moment = datetime.fromisoformat(_SPACED_OFFSET.sub(r"\1", text))
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise FieldValueError(
        "{what} is {text!r}, no time with its offset such as 2026-03-21T10:00:00+01:00 and no day",
        what=what,
        text=text[:40],
    )


def _amount(text: str, what: str) -> int:
    if not _AMOUNT.fullmatch(text):
        raise FieldValueError("{what} is {text!r}, no amount such as 49.90", what=what, text=text[:40])
    return in_milli(Decimal(text.replace(",", ".")))


def _currency(text: str) -> str:
    if not _CURRENCY.fullmatch(text):
        raise FieldValueError("currency is {text!r}, no code such as EUR", text=text[:40])
    return text.upper()


def _cell(cells: Sequence[str], places: Mapping[str, int], name: str) -> str:
    position = places.get(name)
    return cells[position].strip() if position is not None and position < len(cells) else ""
