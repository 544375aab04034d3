"""Stores the epoch: one counter of this database that only grows, by which an older copy of it is recognised."""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, BigId

ONLY_ROW = 1


class Epoch(Base):
    """The only row: raised in each transaction by which something may be sent (models.sending.epoch)."""

    __tablename__ = "epoch"
    __table_args__ = (CheckConstraint("id = 1", name="only_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    value: Mapped[int] = mapped_column(BigId)
    served_at: Mapped[datetime | None]
    """When the schedule last looked after campaigns."""
