"""Stores the named secrets of bot flows, encrypted: keys of systems that flows call."""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base


class FlowSecret(Base):
    """A secret, which flows name as `{secret.NAME}`. Its value is decrypted for a call alone, and never shown."""

    __tablename__ = "flow_secret"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    value: Mapped[str] = mapped_column(Text)
    """Encrypted (`models.crypto`)."""
    updated_by: Mapped[str] = mapped_column(String(254))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
