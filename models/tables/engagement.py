"""Stores the lock that keeps a person in one campaign at a time, and the people whom a portfolio sent to (messaging limit)."""

from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, BigId

LIMIT_SPAN = timedelta(hours=24)
"""How long a person counts for Meta's messaging limit (docs/meta.md §4.3)."""


class Engagement(Base):
    """The one active campaign of a person: the primary key is the lock."""

    __tablename__ = "engagement"

    person_key: Mapped[str] = mapped_column(String(200), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), index=True)
    contact_id: Mapped[int] = mapped_column(BigId, ForeignKey("contact.id"), index=True)
    created_at: Mapped[datetime]


class LedgerEntry(Base):
    """A person whom a portfolio sent to outside a service window: counts for Meta's messaging limit over a moving 24 h."""

    __tablename__ = "portfolio_ledger"
    __table_args__ = (Index("ix_portfolio_ledger_age", "portfolio_id", "first_at"),)

    portfolio_id: Mapped[int] = mapped_column(ForeignKey("portfolio.id"), primary_key=True)
    person_key: Mapped[str] = mapped_column(String(200), primary_key=True)
    first_at: Mapped[datetime]
