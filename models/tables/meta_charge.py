"""Stores what Meta's analytics say that messages cost, beside what we counted, and what became of templates. No person is in it."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, BigId


class MetaCharge(Base):
    """Delivered messages of one day, number, country, category and type: Meta's count and cost, and ours of the same time.

    Costs are in millionths of the account's currency; NULL: unknown. `volume` NULL: Meta does not list them.
    """

    __tablename__ = "meta_charge"

    waba_id: Mapped[int] = mapped_column(ForeignKey("waba.id"), primary_key=True)
    begins_at: Mapped[datetime] = mapped_column(primary_key=True)
    """When Meta's day begins: in UTC or in the account's time zone, as she says."""
    phone: Mapped[str] = mapped_column(String(32), primary_key=True)
    """The digits of our number; empty where Meta does not name it."""
    country: Mapped[str] = mapped_column(String(2), primary_key=True)
    category: Mapped[str] = mapped_column(String(40), primary_key=True)
    pricing_type: Mapped[str] = mapped_column(String(40), primary_key=True)
    ends_at: Mapped[datetime]
    volume: Mapped[int | None] = mapped_column(BigId)
    cost: Mapped[int | None] = mapped_column(BigInteger)
    own_volume: Mapped[int] = mapped_column(BigId)
    own_cost: Mapped[int | None] = mapped_column(BigInteger)
    own_unpriced: Mapped[int] = mapped_column(BigId)
    """Those of `own_volume` whose price is unknown, or in another currency than the account's."""
    read_at: Mapped[datetime]


class MetaTemplateDay(Base):
    """What Meta says of a template's messages of one UTC day and product. Her counts go back to zero later: the highest stay."""

    __tablename__ = "meta_template_day"

    template_id: Mapped[int] = mapped_column(ForeignKey("template.id", ondelete="CASCADE"), primary_key=True)
    begins_at: Mapped[datetime] = mapped_column(primary_key=True)
    product: Mapped[str] = mapped_column(String(40), primary_key=True)
    sent: Mapped[int] = mapped_column(BigId)
    delivered: Mapped[int] = mapped_column(BigId)
    read: Mapped[int] = mapped_column(BigId)
    cost: Mapped[int | None] = mapped_column(BigInteger)
    read_at: Mapped[datetime]


class MetaReading(Base):
    """When an account's analytics were last read, and why Meta did not show them; errors are stored texts."""

    __tablename__ = "meta_reading"

    waba_id: Mapped[int] = mapped_column(ForeignKey("waba.id"), primary_key=True, autoincrement=False)
    tried_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    """When both were read, or Meta refused one for good."""
    prices_error: Mapped[str | None] = mapped_column(Text)
    templates_error: Mapped[str | None] = mapped_column(Text)
