"""Finds the products of an account by their SKUs, for the preflight, the preview and the variables of a campaign."""

from collections.abc import Iterable

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.db.bulk import among
from models.tables.catalog import Catalog, Product
from models.tables.number import Number


def products_by_sku(
    session: Session, waba: int | Number, skus: Iterable[str], catalog_id: str | None = None
) -> dict[str, Product]:
    """Return the account's products by SKU, also those that are gone; a SKU that no reading ever listed is absent.

    `waba` is the key of an account, or one of its numbers. `catalog_id` is Meta's id of a catalog; None: the linked ones.
    """
    waba_pk = waba.waba_id if isinstance(waba, Number) else waba
    is_meant = Catalog.is_linked.is_(True) if catalog_id is None else Catalog.meta_id == catalog_id
    query = (
        select(Product)
        .join(Catalog, Catalog.id == Product.catalog_id)
        .where(Catalog.waba_id == waba_pk, is_meant, among(session, Product.retailer_id, sorted(set(skus))))
        .order_by(Product.gone_at.is_(None), Product.id.desc())  # of two catalogs, one that still has it comes last
    )
    return {product.retailer_id: product for product in session.scalars(query)}


def linked_catalogs(session: Session, waba_pk: int) -> list[Catalog]:
    """The catalogs that are linked to the account, as of the last reading."""
    query = select(Catalog).where(Catalog.waba_id == waba_pk, Catalog.is_linked.is_(True))
    return list(session.scalars(query.order_by(Catalog.id)))


def count_products(session: Session, catalog_pk: int) -> int:
    """How many products the catalog lists."""
    query = select(func.count()).where(Product.catalog_id == catalog_pk, Product.gone_at.is_(None))
    return session.scalar(query) or 0
