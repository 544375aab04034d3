"""Holds catalogs with their products, and checks the products that messages name (docs/meta.md §2.3, §13).

A catalog is `{"id": "…", "name": "…", "linked": true, "seeded": 24, "products": [{"retailer_id": "…", "name": "…", …}]}`.
`seeded` products are made by the seed when they are asked for: `SKU-1` and so on, up to 100,000.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.errors import SandboxGraphError

WORDS = ("Chair", "Lamp", "Table", "Scarf", "Coat", "Basket", "Vase", "Cushion", "Rug", "Mirror")
COLOURS = ("Blue", "Red", "Green", "White", "Black", "Yellow", "Grey")
OUT_OF_STOCK_EVERY = 23
REJECTED_EVERY = 24
SEED_PREFIX = "SKU-"


@dataclass
class SandboxCatalog:
    """A catalog. `changes` has what differs from the seeded products by SKU (None: deleted), and the products beside them."""

    id: str
    name: str
    seeded: int = 0
    changes: dict[str, dict[str, Any] | None] = field(default_factory=dict)

    def product(self, sku: str) -> dict[str, Any] | None:
        """Return a product by its SKU, None if there is none."""
        if sku in self.changes:
            return self.changes[sku]
        number = sku.removeprefix(SEED_PREFIX)
        is_seeded = sku.startswith(SEED_PREFIX) and number.isdigit() and str(int(number)) == number
        return seeded_product(self.id, int(number)) if is_seeded and 0 < int(number) <= self.seeded else None

    def put(self, sku: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Add a product, or change fields of it."""
        known = self.product(sku) or plain_product(self.id, sku, len(self.changes))
        product = self.changes[sku] = {**known, **fields, "retailer_id": sku}
        return product

    def remove(self, sku: str) -> None:
        """Delete a product."""
        self.changes[sku] = None

    def page(self, start: int, limit: int) -> tuple[list[dict[str, Any]], int | None]:
        """Return products from a place on, and the place behind them; None if there are no more."""
        products: list[dict[str, Any]] = []
        for place, sku in self._places(start):
            if len(products) == limit:
                return products, place
            product = self.product(sku)
            if product is not None:
                products.append(product)
        return products, None

    def _places(self, start: int) -> Iterator[tuple[int, str]]:
        for place in range(start, self.seeded):
            yield place, f"{SEED_PREFIX}{place + 1}"
        beside = [sku for sku in self.changes if not self._is_of_seed(sku)]
        for offset in range(max(0, start - self.seeded), len(beside)):
            yield self.seeded + offset, beside[offset]

    def _is_of_seed(self, sku: str) -> bool:
        number = sku.removeprefix(SEED_PREFIX)
        return sku.startswith(SEED_PREFIX) and number.isdigit() and 0 < int(number) <= self.seeded


class SandboxCatalogs:
    """All catalogs, and which account each is linked to."""

    def __init__(self) -> None:
        self.by_id: dict[str, SandboxCatalog] = {}
        self._linked: dict[str, list[str]] = {}

    def clear(self) -> None:
        """Remove everything."""
        self.by_id.clear()
        self._linked.clear()

    def add(self, waba_id: str, plan: dict[str, Any]) -> SandboxCatalog:
        """Add a catalog of an account from its definition."""
        catalog = SandboxCatalog(str(plan["id"]), str(plan.get("name", "Catalog")), int(plan.get("seeded", 0)))
        for product in plan.get("products", []):
            catalog.put(str(product["retailer_id"]), dict(product))
        self.by_id[catalog.id] = catalog
        self.link(waba_id, catalog.id, is_linked=plan.get("linked", True) is True)
        return catalog

    def link(self, waba_id: str, catalog_id: str, *, is_linked: bool) -> None:
        """Link a catalog to an account, or take the link away."""
        linked = [other for other in self._linked.get(waba_id, []) if other != catalog_id]
        self._linked[waba_id] = [*linked, catalog_id] if is_linked else linked

    def linked(self, waba_id: str) -> list[SandboxCatalog]:
        """Return the catalogs that are linked to an account."""
        return [self.by_id[catalog_id] for catalog_id in self._linked.get(waba_id, [])]

    def check(self, waba_id: str, components: Any) -> None:
        """Check the catalog and the products that a message names. Raises SandboxGraphError 131009 if Meta would refuse it."""
        skus, ids = sorted(_values(components, SKU_KEYS)), sorted(_values(components, ("catalog_id",)))
        if not skus and not ids:
            return
        linked = self.linked(waba_id)
        if not linked:
            raise SandboxGraphError(131009, "No catalog is connected to this WhatsApp Business Account")
        for catalog_id in ids:
            if catalog_id not in {catalog.id for catalog in linked}:
                raise SandboxGraphError(131009, f"Catalog {catalog_id} is not connected to this account")
        for sku in skus:
            products = [product for catalog in linked if (product := catalog.product(sku)) is not None]
            if not products:
                raise SandboxGraphError(131009, f"Product not found for product_retailer_id {sku}")
            if all(product["review_status"] == "rejected" for product in products):
                raise SandboxGraphError(131009, f"Product {sku} is not approved")


SKU_KEYS = ("product_retailer_id", "thumbnail_product_retailer_id")


def _values(part: Any, keys: tuple[str, ...]) -> set[str]:
    """The texts under these keys, at any depth."""
    if isinstance(part, list):
        return {value for item in part for value in _values(item, keys)}
    if not isinstance(part, dict):
        return set()
    own = {str(part[key]) for key in keys if isinstance(part.get(key), str | int)}
    return own | {value for item in part.values() for value in _values(item, keys)}


def seeded_product(catalog_id: str, number: int) -> dict[str, Any]:
    """Return the product that the seed makes of a number, counted from 1."""
    sku = f"{SEED_PREFIX}{number}"
    cents = 490 + number * 37 % 19_500
    return plain_product(catalog_id, sku, number) | {
        "name": f"{COLOURS[number % len(COLOURS)]} {WORDS[number // len(COLOURS) % len(WORDS)]} {number}",
        "price": f"{cents // 100},{cents % 100:02} €",
        "availability": "in stock" if number % OUT_OF_STOCK_EVERY else "out of stock",
        "review_status": "approved" if number % REJECTED_EVERY else "rejected",
    }


def plain_product(catalog_id: str, sku: str, number: int) -> dict[str, Any]:
    """Return a product with every field that products are asked for."""
    return {
        "id": f"7{int(catalog_id) % 10_000_000:07}{number:08}",
        "retailer_id": sku,
        "name": sku,
        "price": "12,90 €",
        "currency": "EUR",
        "availability": "in stock",
        "visibility": "published",
        "review_status": "approved",
        "image_url": f"https://shop.example/pictures/{sku}.jpg",
        "url": f"https://shop.example/products/{sku}",
        "description": f"The product {sku} of the sandbox.",
        "brand": "Sandbox",
    }
