"""Says beside each SKU of the campaign form which product it is, and what keeps it from being sent or bought."""

from sqlalchemy.orm import Session

from admin.operations.catalog import price_text
from models.catalog.lookup import linked_catalogs, products_by_sku
from models.catalog.problems import product_state
from models.tables.catalog import Product
from models.tables.number import Number
from models.templates.content import MessageContent
from models.text import Text

UNKNOWN = Text("The catalog does not have it.")


def product_notes(session: Session, number: Number | None, content: MessageContent) -> dict[str, str]:
    """The sentence of each product that the message names, by SKU. One of a catalog that was never read has none."""
    skus = content.skus()
    if number is None or not skus:
        return {}
    catalog_id = content.products.get("catalog_id")
    products = products_by_sku(session, number, skus, catalog_id)
    is_read = any(
        catalog.synced_at is not None and catalog_id in (None, catalog.meta_id)
        for catalog in linked_catalogs(session, number.waba_id)
    )
    notes = {sku: _note(products[sku]) for sku in skus if sku in products}
    return notes | (
        dict.fromkeys((sku for sku in skus if sku not in products), UNKNOWN.translated()) if is_read else {}
    )


def _note(product: Product) -> str:
    state = product_state(product)
    parts = [product.name, price_text(product), state.translated() if state else ""]
    return " · ".join(part for part in parts if part)
