"""Searches the products of an account by SKU or words of the name, whatever the case, accents and width."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from models.folding import fold_letters
from models.tables.catalog import Product, ProductSearchText

PAGE = 50


@dataclass(frozen=True, slots=True)
class ProductPage:
    """Products, and how many match in all. `next_after`: where the next page of a list without a query begins."""

    products: Sequence[Product]
    total: int
    next_after: str | None = None


def search_products(
    session: Session,
    catalog_pks: Sequence[int],
    query: str = "",
    *,
    after: str = "",
    limit: int = PAGE,
    with_gone: bool = False,
) -> ProductPage:
    """Return the products that fit best: a SKU of exactly these words, one that begins so, such a name, then any other place.

    Each word must be in the SKU or the name. Without a query all products in the order of their SKUs, from `after` on.
    """
    words = fold_letters(query.replace("\0", "")).split()
    if not catalog_pks:
        return ProductPage((), 0)
    if not words:
        return _listed(session, catalog_pks, after, limit, with_gone=with_gone)
    folded = ProductSearchText.folded
    total = func.count().over().label("total")
    matches = (
        select(ProductSearchText.product_id, total)
        .where(
            ProductSearchText.catalog_id.in_(catalog_pks),
            *(folded.contains(word, autoescape=True) for word in words),
            *([] if with_gone else [ProductSearchText.is_gone.is_(False)]),
        )
        .order_by(_rank(" ".join(words)), folded, ProductSearchText.product_id)
        .limit(limit)
    )
    rows = session.execute(matches).all()
    found = {
        product.id: product
        for product in session.scalars(select(Product).where(Product.id.in_([row.product_id for row in rows])))
    }
    return ProductPage([found[row.product_id] for row in rows], rows[0].total if rows else 0)


def _listed(session: Session, catalog_pks: Sequence[int], after: str, limit: int, *, with_gone: bool) -> ProductPage:
    listed = [Product.catalog_id.in_(catalog_pks), *([] if with_gone else [Product.gone_at.is_(None)])]
    total = session.scalar(select(func.count()).select_from(Product).where(*listed)) or 0
    query = select(Product).where(*listed, Product.retailer_id > after.replace("\0", ""))
    products = session.scalars(query.order_by(Product.retailer_id, Product.id).limit(limit + 1)).all()
    is_more = len(products) > limit
    return ProductPage(products[:limit], total, products[limit - 1].retailer_id if is_more else None)


def _rank(query: str) -> ColumnElement[int]:
    folded = ProductSearchText.folded
    return case(
        (folded.startswith(query + "\n", autoescape=True), 0),
        (folded.startswith(query, autoescape=True), 1),
        (folded.contains("\n" + query, autoescape=True), 2),
        else_=3,
    )
