"""Stores which tables of an SQLite database may still hold times in the form of earlier versions."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, BigId


class OldTimeForm(Base):
    """A table whose rows are being rewritten, slice by slice; it is deleted when all are (jobs.maintenance.old_times)."""

    __tablename__ = "old_time_form"

    table_name: Mapped[str] = mapped_column(String(64), primary_key=True)
    next_rowid: Mapped[int] = mapped_column(BigId)
    """All rows below are rewritten."""
