"""Stores what a reading of a catalog lists: many products in one statement, and what is gone once the reading is whole.

A reading is known by its beginning (`seen_at`). What a later reading wrote is left as it is, so that two at once do no harm.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import TextClause, bindparam, delete, select, text, update
from sqlalchemy.orm import Session

from models.catalog.price import read_price
from models.db.base import UtcDateTime
from models.db.bulk import among, values_cte
from models.db.dialect import NO_SYNC, insert_into
from models.folding import fold_letters
from models.tables.catalog import (
    MAX_PRICE_TEXT,
    MAX_PRODUCT_NAME,
    MAX_SKU,
    MAX_WORD,
    Catalog,
    Product,
    ProductSearchText,
)

KEPT_GONE = timedelta(days=365)
PURGED_AT_ONCE = 500
MAX_NAME = 200
MAX_URL = 2_000
MAX_DESCRIPTION = 10_000
_COLUMNS = {
    "retailer_id": "text", "meta_id": "text", "name": "text", "price_text": "text", "price": "bigint", "currency": "text",
    "availability": "text", "visibility": "text", "review_status": "text", "image_url": "text", "url": "text",
    "description": "text", "brand": "text",
}  # fmt: skip
_NAMES = ", ".join(_COLUMNS)
_UPDATES = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name != "retailer_id")


def put_catalogs(session: Session, waba_pk: int, listed: Iterable[Mapping[str, Any]], now: datetime) -> dict[int, str]:
    """Store the catalogs that Meta lists for an account; the others are not linked any more. Returns Meta's id by key."""
    names = {str(item.get("id", "")): _text(item.get("name"), MAX_NAME) or "" for item in listed}
    names = {
        meta_id: name
        for meta_id, name in names.items()
        if meta_id.isascii() and meta_id.isdigit() and len(meta_id) <= 64
    }
    if names:
        rows = [
            {"waba_id": waba_pk, "meta_id": meta_id, "name": name, "is_linked": True, "created_at": now}
            for meta_id, name in sorted(names.items())
        ]
        session.execute(insert_into(session, Catalog).values(rows).on_conflict_do_nothing())  # two may read at once
    stored = session.scalars(
        select(Catalog).where(Catalog.waba_id == waba_pk).order_by(Catalog.id).with_for_update(),
        execution_options={"populate_existing": True},
    ).all()
    for catalog in stored:
        catalog.is_linked = catalog.meta_id in names
        catalog.name = names.get(catalog.meta_id, catalog.name)
    session.flush()
    return {catalog.id: catalog.meta_id for catalog in stored if catalog.is_linked}


def put_products(
    session: Session, catalog_pk: int, listed: Iterable[Mapping[str, Any]], seen_at: datetime
) -> tuple[int, int]:
    """Store a page of products of the reading that began at `seen_at`; return how many are new and how many have no usable SKU."""
    read = [_row(item) for item in listed]
    rows = {row[0]: row for row in read if row is not None}
    skipped = sum(row is None for row in read)
    ordered = [rows[sku] for sku in sorted(rows)]
    if not ordered:
        return 0, skipped
    query = select(Product.retailer_id).where(
        Product.catalog_id == catalog_pk, among(session, Product.retailer_id, rows)
    )
    known = set(session.scalars(query))
    clause, values = values_cte(session, "listed", _COLUMNS, ordered)
    session.execute(
        _timed(
            f"WITH {clause} INSERT INTO product (catalog_id, {_NAMES}, seen_at)"  # noqa: S608 - names are ours
            f" SELECT CAST(:catalog AS INTEGER), {_NAMES}, :seen_at FROM listed WHERE true"
            f" ON CONFLICT (catalog_id, retailer_id) DO UPDATE SET {_UPDATES}, seen_at = excluded.seen_at, gone_at = NULL"
            " WHERE product.seen_at <= excluded.seen_at AND (product.gone_at IS NULL OR product.gone_at <= excluded.seen_at)"
        ),
        values | {"catalog": catalog_pk, "seen_at": seen_at},
    )
    _put_search_texts(session, catalog_pk, ordered, seen_at)
    return len(rows.keys() - known), skipped


def finish_reading(session: Session, catalog_pk: int, seen_at: datetime) -> int:
    """Mark what a whole reading did not list as gone, and note the reading; return how many are gone now."""
    gone = session.execute(
        update(Product)
        .where(Product.catalog_id == catalog_pk, Product.gone_at.is_(None), Product.seen_at < seen_at)
        .values(gone_at=seen_at),
        execution_options=NO_SYNC,
    )
    of_gone = select(Product.id).where(Product.catalog_id == catalog_pk, Product.gone_at.is_not(None))
    session.execute(
        update(ProductSearchText)
        .where(ProductSearchText.product_id.in_(of_gone), ProductSearchText.is_gone.is_(False))
        .values(is_gone=True),
        execution_options=NO_SYNC,
    )
    session.execute(
        update(Catalog)
        .where(Catalog.id == catalog_pk, (Catalog.synced_at.is_(None)) | (Catalog.synced_at <= seen_at))
        .values(synced_at=seen_at, error=None),
        execution_options=NO_SYNC,
    )
    return int(getattr(gone, "rowcount", 0))


def purge_products(session: Session, now: datetime) -> int:
    """Delete a slice of the products that have been gone for long; return how many."""
    ids = session.scalars(
        select(Product.id)
        .join(ProductSearchText, ProductSearchText.product_id == Product.id)
        .where(ProductSearchText.is_gone.is_(True), Product.gone_at < now - KEPT_GONE)
        .limit(PURGED_AT_ONCE)
    ).all()
    if ids:
        session.execute(
            delete(ProductSearchText).where(among(session, ProductSearchText.product_id, ids)),
            execution_options=NO_SYNC,
        )
        session.execute(delete(Product).where(among(session, Product.id, ids)), execution_options=NO_SYNC)
    return len(ids)


def _put_search_texts(session: Session, catalog_pk: int, rows: list[list[Any]], seen_at: datetime) -> None:
    texts = [[row[0], search_text(row[0], row[2])] for row in rows]
    clause, values = values_cte(session, "named", {"retailer_id": "text", "folded": "text"}, texts)
    session.execute(
        _timed(
            f"WITH {clause} INSERT INTO product_search (product_id, catalog_id, folded, is_gone)"  # noqa: S608
            " SELECT p.id, p.catalog_id, named.folded, false FROM named"
            " JOIN product AS p ON p.catalog_id = :catalog AND p.retailer_id = named.retailer_id"
            " AND p.seen_at = :seen_at WHERE true"
            " ON CONFLICT (product_id) DO UPDATE SET folded = excluded.folded, is_gone = false"
            " WHERE product_search.folded <> excluded.folded OR product_search.is_gone"
        ),
        values | {"catalog": catalog_pk, "seen_at": seen_at},
    )


def search_text(sku: str, name: str) -> str:
    """What the search reads of a product: SKU and name, folded, a line each."""
    return f"{fold_letters(sku)}\n{fold_letters(name)}"


def _timed(statement: str) -> TextClause:
    return text(statement).bindparams(bindparam("seen_at", type_=UtcDateTime()))


def _row(item: Mapping[str, Any]) -> list[Any] | None:
    """The columns of a product, in the order of `_COLUMNS`; None if it has no SKU that a message could name."""
    sku = item.get("retailer_id")
    if not isinstance(sku, str) or not 0 < len(sku) <= MAX_SKU or not sku.isprintable() or sku != sku.strip():
        return None
    price_text = _text(item.get("price"), MAX_PRICE_TEXT) if isinstance(item.get("price"), str) else None
    named = _text(item.get("currency"), 3)
    price = read_price(price_text, named)
    currency = price.currency if price else named if named and named.isalpha() and named.isupper() else None
    return [
        sku,
        _text(item.get("id"), 64),
        _text(item.get("name"), MAX_PRODUCT_NAME) or sku,
        price_text,
        price.amount if price else None,
        currency,
        *(_word(item.get(name)) for name in ("availability", "visibility", "review_status")),
        *(_text(item.get(name), MAX_URL) for name in ("image_url", "url")),
        _text(item.get("description"), MAX_DESCRIPTION),
        _text(item.get("brand"), 200),
    ]


def _text(value: object, most: int) -> str | None:
    """A text of Meta without the characters that a database refuses, cut to `most` characters; None where there is none."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        return None
    plain = str(value).encode("utf-8", "ignore").decode().replace("\0", "").strip()
    return plain[:most] or None


def _word(value: object) -> str | None:
    word = _text(value, MAX_WORD)
    return word.lower() if word else None
