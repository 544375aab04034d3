"""Stores the catalogs of our accounts at Meta, and their products as the last readings found them (docs/meta.md §13)."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.db.base import Base, BigId
from models.tables.number import Waba

MAX_SKU = 100
MAX_PRODUCT_NAME = 200
MAX_WORD = 40
"""Of Meta's words for the state of a product."""
MAX_PRICE_TEXT = 60


class Catalog(Base):
    """A catalog as one account has it. A catalog that two accounts share is read for each of them."""

    __tablename__ = "catalog"
    __table_args__ = (Index("uq_catalog_meta", "waba_id", "meta_id", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    waba_id: Mapped[int] = mapped_column(ForeignKey("waba.id"))
    meta_id: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(200), default="")
    is_linked: Mapped[bool]
    """Whether Meta listed it among the account's catalogs at the last reading."""
    synced_at: Mapped[datetime | None]
    """The beginning of the last reading that came to its end."""
    error: Mapped[str | None] = mapped_column(Text)
    """Why the last reading of the products did not come to its end; a stored text."""
    reading_since: Mapped[datetime | None]
    """The beginning of a reading that a job does in turns; NULL if none is under way."""
    reading_after: Mapped[str | None] = mapped_column(Text)
    """Meta's cursor behind the last page that it stored; NULL before the first."""
    created_at: Mapped[datetime]

    waba: Mapped[Waba] = relationship()


class Product(Base):
    """A product of a catalog. `availability`, `visibility` and `review_status` have Meta's values; NULL where she named none."""

    __tablename__ = "product"
    __table_args__ = (Index("uq_product_retailer", "catalog_id", "retailer_id", unique=True),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    catalog_id: Mapped[int] = mapped_column(ForeignKey("catalog.id"))
    retailer_id: Mapped[str] = mapped_column(String(MAX_SKU))
    """The SKU, by which messages name the product."""
    meta_id: Mapped[str | None] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(MAX_PRODUCT_NAME))
    price_text: Mapped[str | None] = mapped_column(String(MAX_PRICE_TEXT))
    """The price as Meta wrote it."""
    price: Mapped[int | None] = mapped_column(BigInteger)
    """In millionths of `currency`; NULL where the text may be read in two ways (models.catalog.price)."""
    currency: Mapped[str | None] = mapped_column(String(3))
    availability: Mapped[str | None] = mapped_column(String(MAX_WORD))
    visibility: Mapped[str | None] = mapped_column(String(MAX_WORD))
    review_status: Mapped[str | None] = mapped_column(String(MAX_WORD))
    image_url: Mapped[str | None] = mapped_column(Text)
    url: Mapped[str | None] = mapped_column(Text)
    description: Mapped[str | None] = mapped_column(Text)
    brand: Mapped[str | None] = mapped_column(String(200))
    seen_at: Mapped[datetime]
    """The beginning of the newest reading that listed it."""
    gone_at: Mapped[datetime | None]
    """The beginning of the whole reading that listed it no more; NULL while it is listed."""

    catalog: Mapped[Catalog] = relationship()


class ProductSearchText(Base):
    """The SKU and the name of a product, folded, in a narrow table: a hundred thousand rows are read in a moment."""

    __tablename__ = "product_search"

    product_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("product.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    catalog_id: Mapped[int]
    folded: Mapped[str] = mapped_column(Text)
    """A line each."""
    is_gone: Mapped[bool]
    """Whether `Product.gone_at` is set: the search looks nowhere else."""
