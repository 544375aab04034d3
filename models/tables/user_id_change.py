"""Stores changes of user ids that Meta reported, so that they can be applied in any order."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, BigId


class UserIdChange(Base):
    """A person's business-scoped user id was replaced by another (docs/meta.md §7.6). Meta gives no id to two people.

    It is kept also for a person whom Hark does not know: messages with the old id, and earlier changes, may come later.
    """

    __tablename__ = "user_id_change"
    __table_args__ = (
        Index("uq_user_id_change_bsuid", "portfolio_id", "bsuid", unique=True),
        Index("ix_user_id_change_new", "portfolio_id", "new_bsuid"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    portfolio_id: Mapped[int] = mapped_column(ForeignKey("portfolio.id"))
    bsuid: Mapped[str] = mapped_column(String(200))
    new_bsuid: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]
    """Meta's time."""
    created_at: Mapped[datetime] = mapped_column(index=True)
