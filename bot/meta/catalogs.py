"""Reads the catalogs of an account and their products over the management API (docs/meta.md §13)."""

from collections.abc import Iterator
from typing import Any

from bot.meta.management import GraphAdmin, GraphError

MAX_PRODUCTS = 100_000
"""Products of one catalog that are read."""
PAGE_SIZE = 200
MAX_PAGES = 5_000
"""Meta may give fewer products a page than were asked for."""
PRODUCT_FIELDS = (
    "id,retailer_id,name,price,currency,availability,visibility,review_status,image_url,url,description,brand"
)


def account_catalogs(graph: GraphAdmin, waba_id: str) -> list[dict[str, Any]]:
    """Return the catalogs that are linked to an account, each with `id` and `name`. Raises GraphError if Meta refuses."""
    pages = graph.page_lists(waba_id, "product_catalogs", {"fields": "id,name"})
    return [item for page, _ in pages for item in page]


def catalog_products(
    graph: GraphAdmin, catalog_id: str, after: str | None = None, count: int = 0
) -> Iterator[tuple[list[dict[str, Any]], str | None]]:
    """Yield the products of a catalog (`PRODUCT_FIELDS`), a page at a time, each with the cursor behind it.

    `after` is the cursor behind which an interrupted reading goes on, `count` what it had read by then. Raises GraphError if Meta
    refuses, or the catalog has more than `MAX_PRODUCTS`.
    """
    params = {"fields": PRODUCT_FIELDS, "limit": str(PAGE_SIZE)} | ({"after": after} if after else {})
    for page, cursor in graph.page_lists(catalog_id, "products", params, MAX_PAGES):
        count += len(page)
        if count > MAX_PRODUCTS:
            raise GraphError(
                "catalog {catalog_id} has more than {most} products: Hark reads at most so many",
                catalog_id=catalog_id,
                most=f"{MAX_PRODUCTS:,}",
            )
        yield page, cursor
