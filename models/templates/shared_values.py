"""Reads the values of a message's variables that are the same for all: fixed texts, the shop's name, data of products."""

from sqlalchemy.orm import Session

from models.billing.amount import show_amount
from models.catalog.lookup import products_by_sku
from models.tables.catalog import Product
from models.tables.setting import read_setting
from models.tables.template import Template
from models.templates.content import MessageContent, Source
from models.templates.sources import content_sources, text_or_none


class SharedValues:
    """The shared values of one content, read once."""

    def __init__(self, session: Session, template: Template, content: MessageContent) -> None:
        kinds = {entry.source.get("source") for entry in content_sources(content, [])}
        self._shop = text_or_none(read_setting(session, "shop_name")) if "shop" in kinds else None
        catalog_id, skus = content.products.get("catalog_id"), content.skus()
        self._content = content
        self._products = (
            products_by_sku(session, template.waba_id, skus, catalog_id) if skus and "product" in kinds else {}
        )

    def value(self, source: Source, card: int | None) -> str | None:
        """The value of a source in the message, or in its card; None where it is of the person, or there is none."""
        kind = source.get("source")
        if kind == "text":
            return text_or_none(source.get("text"))
        if kind == "shop":
            return self._shop
        product = self._products.get(self._content.sku_of(card) or "") if kind == "product" else None
        return text_or_none(_of_product(product, source)) if product is not None else None


def _of_product(product: Product, source: Source) -> str | None:
    field = source.get("field")
    if field == "price" and product.price is not None and product.currency is not None:
        amount = f"{show_amount(product.price)} {product.currency}"
        return amount if source.get("format") == "money" else product.price_text or amount
    values = {"name": product.name, "price": product.price_text, "sku": product.retailer_id}
    return (values | {"brand": product.brand, "url": product.url}).get(str(field))
