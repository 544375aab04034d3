"""Catalogs and their products as the panel and the commands show them, and the reading that an operator asks for."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.core.runtime import Runtime
from jobs.maintenance.catalog_sync import CatalogSyncResult, read_catalogs
from models.billing.amount import show_amount
from models.catalog.lookup import count_products
from models.catalog.search import PAGE, ProductPage, search_products
from models.errors import OperatorError
from models.stored_texts import show_stored
from models.tables.catalog import Catalog, Product
from models.tables.number import Number, Waba

MAX_LIMIT = 200


@dataclass(frozen=True, slots=True)
class CatalogRow:
    """A catalog of an account with what became of the last reading."""

    id: int
    catalog_id: str
    name: str
    account: str
    linked: bool
    products: int
    gone: int
    synced_at: datetime | None
    reading: bool
    error: str


def catalog_rows(session: Session) -> list[CatalogRow]:
    """Every catalog that was ever linked to one of our accounts, those that are linked first."""
    query = select(Catalog, Waba).join(Waba, Waba.id == Catalog.waba_id)
    return [
        CatalogRow(
            catalog.id,
            catalog.meta_id,
            catalog.name,
            waba.name or waba.waba_id,
            catalog.is_linked,
            count_products(session, catalog.id),
            _count_gone(session, catalog.id),
            catalog.synced_at,
            catalog.is_linked and catalog.reading_since is not None,
            show_stored(catalog.error),
        )
        for catalog, waba in session.execute(query.order_by(Catalog.is_linked.desc(), Catalog.id))
    ]


def _count_gone(session: Session, catalog_pk: int) -> int:
    query = select(func.count()).where(Product.catalog_id == catalog_pk, Product.gone_at.is_not(None))
    return session.scalar(query) or 0


def accounts_without_catalogs(session: Session) -> list[tuple[str, datetime | None, str]]:
    """Accounts with a number and no linked catalog: name, when Meta last listed their catalogs, why it did not the last time."""
    linked = select(Catalog.waba_id).where(Catalog.is_linked.is_(True))
    query = select(Waba).where(Waba.id.in_(select(Number.waba_id)), Waba.id.not_in(linked)).order_by(Waba.id)
    return [
        (waba.name or waba.waba_id, waba.catalogs_read_at, show_stored(waba.catalogs_error))
        for waba in session.scalars(query)
    ]


def find_products(
    session: Session,
    query: str,
    *,
    catalog_pk: int | None = None,
    waba_pk: int | None = None,
    after: str = "",
    limit: int = PAGE,
    with_gone: bool = False,
) -> ProductPage:
    """Search one catalog, or the linked ones of one account or of all. Raises OperatorError if there is no such catalog."""
    if not 1 <= limit <= MAX_LIMIT:
        raise OperatorError("limit={limit}: allowed are 1 to {most}", limit=limit, most=MAX_LIMIT)
    if catalog_pk is not None:
        if session.get(Catalog, catalog_pk) is None:
            raise OperatorError("catalog {catalog_id}: there is no such catalog", catalog_id=catalog_pk)
        pks = [catalog_pk]
    else:
        linked = select(Catalog.id).where(Catalog.is_linked.is_(True))
        pks = list(session.scalars(linked if waba_pk is None else linked.where(Catalog.waba_id == waba_pk)))
    return search_products(session, pks, query, after=after, limit=limit, with_gone=with_gone)


def product_json(product: Product) -> dict[str, Any]:
    """A product as commands and the picker give it. `price` is null where Meta's text may mean two amounts."""
    return {
        "sku": product.retailer_id,
        "name": product.name,
        "price": price_json(product),
        "price_text": product.price_text,
        "availability": product.availability,
        "visibility": product.visibility,
        "review_status": product.review_status,
        "gone_at": product.gone_at,
    }


def price_json(product: Product) -> dict[str, str] | None:
    """The price as money; None where it could not be read."""
    if product.price is None or product.currency is None:
        return None
    return {"amount": show_amount(product.price), "currency": product.currency}


def price_text(product: Product) -> str:
    """The price as it is shown: the amount where it is certain, else Meta's text."""
    price = price_json(product)
    return f"{price['amount']} {price['currency']}" if price else product.price_text or ""


def sync_all(
    rt: Runtime, now: datetime, on_page: Callable[[int], None] | None = None
) -> tuple[CatalogSyncResult, list[tuple[int, Exception]]]:
    """Read every account's catalogs: the counts, and by account what failed. Raises OperatorError if there is no number."""
    with rt.database.read() as session:
        accounts = accounts_with_numbers(session)
    total, failures = CatalogSyncResult(), []
    for waba_pk, result in _read_each(rt, accounts, now, on_page):
        if isinstance(result, Exception):
            failures.append((waba_pk, result))
        else:
            total.add(result)
    return total, failures


def accounts_with_numbers(session: Session) -> list[int]:
    """The accounts that have a number. Raises OperatorError if there is none."""
    accounts = sorted(set(session.scalars(select(Number.waba_id))))
    if not accounts:
        raise OperatorError("there is no number yet: add one with flask numbers add")
    return accounts


def _read_each(
    rt: Runtime, accounts: list[int], now: datetime, on_page: Callable[[int], None] | None
) -> Iterator[tuple[int, CatalogSyncResult | Exception]]:
    for waba_pk in accounts:
        try:
            yield waba_pk, read_catalogs(rt, waba_pk, now, on_page=on_page)
        except Exception as error:  # noqa: BLE001 - a failing account must not keep the others from being read
            yield waba_pk, error
