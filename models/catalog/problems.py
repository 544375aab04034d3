"""Says what is wrong with the catalog and the products that a message names, as of the last reading at Meta (docs/meta.md §13).

A problem blocks only where Meta would certainly refuse the message; what may have changed since the reading is a warning.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from models.catalog.lookup import linked_catalogs, products_by_sku
from models.stored_texts import read_text
from models.tables.catalog import Catalog, Product
from models.tables.number import Waba
from models.text import Text

FRESH = timedelta(hours=12)
"""What a whole reading of this age did not list, Meta does not have."""
SHOWN = 5
"""SKUs that a sentence names."""
_SELLS = frozenset({"in stock", "available for order", "preorder", "available", ""})
_WAITING = frozenset({"pending", "outdated"})
_HIDDEN = frozenset({"hidden", "staging", "archived"})
_SYNC = "Sync the catalogs if this changed at Meta (flask catalog sync), or choose other products."
_LINK = "Link the catalog to the account in WhatsApp Manager, then sync the catalogs (flask catalog sync)."
_CATALOG_BUTTONS = frozenset({"CATALOG", "MPM", "SPM"})


class ProductProblem(NamedTuple):
    """A stable key, the sentence for the operator, what to do, and whether Meta would certainly refuse the message."""

    key: str
    text: Text
    remedy: str
    is_blocking: bool


def needs_catalog(components: Iterable[Any]) -> bool:
    """Whether messages of a template name a catalog or products: by a button, a header or a card (docs/meta.md §2.3)."""
    for component in components:
        if not isinstance(component, Mapping):
            continue
        buttons = component.get("buttons")
        kinds = {str(button.get("type", "")).upper() for button in buttons or () if isinstance(button, Mapping)}
        if kinds & _CATALOG_BUTTONS or str(component.get("format", "")).upper() == "PRODUCT":
            return True
        cards = component.get("cards")
        if any(needs_catalog(card.get("components") or ()) for card in cards or () if isinstance(card, Mapping)):
            return True
    return False


def catalog_problems(
    session: Session, waba_pk: int, skus: Sequence[str], catalog_id: str | None, now: datetime
) -> Iterator[ProductProblem]:
    """Yield what is wrong for messages of an account that name these products, or a catalog alone (no SKUs).

    `catalog_id` is Meta's id of the catalog that they name; None: the linked one.
    """
    waba = session.get_one(Waba, waba_pk)
    linked = linked_catalogs(session, waba_pk)
    meant = [catalog for catalog in linked if catalog_id in (None, catalog.meta_id)]
    if not meant:
        yield _unlinked(waba, catalog_id)
        return
    products = products_by_sku(session, waba_pk, skus, catalog_id)
    is_certain = all(_is_fresh(catalog, now) for catalog in meant)
    if any(catalog.synced_at is None for catalog in meant):
        why = read_text(next((catalog.error for catalog in meant if catalog.error), None))
        yield _unread(waba, why)
    else:
        unknown = [sku for sku in dict.fromkeys(skus) if sku not in products]
        yield from _about(
            "product_unknown", "The catalog does not have these products: {skus}.", unknown, _SYNC, is_certain
        )
    yield from _product_problems([products[sku] for sku in dict.fromkeys(skus) if sku in products], is_certain)


def product_state(product: Product) -> Text | None:
    """A word on what keeps a product from being sent or bought; None if nothing does."""
    if product.gone_at is not None:
        return Text("no longer in the catalog")
    if product.review_status == "rejected":
        return Text("rejected by Meta")
    if product.visibility in _HIDDEN:
        return Text("hidden")
    if product.review_status in _WAITING:
        return Text("under review")
    return None if _is_sold(product) else Text("not in stock")


def _is_sold(product: Product) -> bool:
    return (product.availability or "").replace("_", " ") in _SELLS


def _product_problems(products: Sequence[Product], is_certain: bool) -> Iterator[ProductProblem]:
    gone = [product.retailer_id for product in products if product.gone_at is not None]
    there = [product for product in products if product.gone_at is None]
    rejected = [product.retailer_id for product in there if product.review_status == "rejected"]
    waiting = [product.retailer_id for product in there if product.review_status in _WAITING]
    hidden = [product.retailer_id for product in there if product.visibility in _HIDDEN]
    sold_out = [product.retailer_id for product in there if not _is_sold(product)]
    yield from _about("product_gone", "These products are no longer in the catalog: {skus}.", gone, _SYNC, is_certain)
    yield from _about(
        "product_rejected",
        "Meta rejected these products in its review: {skus}.",
        rejected,
        "See Commerce Manager, or choose other products.",
        is_certain,
    )
    yield from _about(
        "product_review",
        "Meta still reviews these products: {skus}.",
        waiting,
        "Wait for the review, or Meta may refuse them.",
    )
    yield from _about(
        "product_hidden",
        "These products are hidden in the catalog: {skus}.",
        hidden,
        "Publish them in Commerce Manager.",
    )
    yield from _about(
        "product_stock",
        "These products are not in stock: {skus}.",
        sold_out,
        "Choose others, or expect disappointed people.",
    )


def _about(
    key: str, template: str, skus: Sequence[str], remedy: str, is_blocking: bool = False
) -> Iterator[ProductProblem]:
    if skus:
        more = len(skus) - SHOWN
        shown = ", ".join(skus[:SHOWN]) + (f" (+{more})" if more > 0 else "")
        yield ProductProblem(key, Text(template, {"skus": shown}), remedy, is_blocking)


def _unlinked(waba: Waba, catalog_id: str | None) -> ProductProblem:
    if waba.catalogs_read_at is None:
        return _unread(waba, read_text(waba.catalogs_error))
    name = waba.name or waba.waba_id
    text = Text("No catalog is linked to the account {account}.", {"account": name})
    if catalog_id is not None:
        named = {"account": name, "catalog_id": catalog_id}
        text = Text("Catalog {catalog_id} is not linked to the account {account}.", named)
    return ProductProblem("catalog", text, _LINK, waba.catalogs_error is None)


def _unread(waba: Waba, why: Text | None) -> ProductProblem:
    name = waba.name or waba.waba_id
    text = Text("The products of the account {account} have not been read from Meta yet.", {"account": name})
    if why is not None:
        text = Text("The products of the account {account} could not be read: {why}", {"account": name, "why": why})
    remedy = "Sync the catalogs (flask catalog sync); the token needs the permission catalog_management."
    return ProductProblem("catalog_unread", text, remedy, False)


def _is_fresh(catalog: Catalog, now: datetime) -> bool:
    return catalog.error is None and catalog.synced_at is not None and now - catalog.synced_at < FRESH
