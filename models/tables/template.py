"""Stores message templates as Meta has them."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.db.base import Base
from models.tables.number import Waba


class Template(Base):
    """One language of one template. `status`, `category` and `quality` have Meta's values (docs/meta.md §5.5, §5.7)."""

    __tablename__ = "template"
    __table_args__ = (Index("uq_template_name_language", "waba_id", "name", "language", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    waba_id: Mapped[int] = mapped_column(ForeignKey("waba.id"))
    meta_id: Mapped[str | None] = mapped_column(String(64), index=True)
    name: Mapped[str] = mapped_column(String(512))
    language: Mapped[str] = mapped_column(String(16))
    category: Mapped[str] = mapped_column(String(32))
    correct_category: Mapped[str | None] = mapped_column(String(32))
    category_at: Mapped[datetime | None]
    """Meta's time of the newest event applied to the categories; `quality_at` the same for `quality`."""
    status: Mapped[str] = mapped_column(String(32))
    status_at: Mapped[datetime | None]
    """Meta's time of the newest event applied to `status`."""
    quality: Mapped[str] = mapped_column(String(16), default="UNKNOWN")
    quality_at: Mapped[datetime | None]
    parameter_format: Mapped[str] = mapped_column(String(16), default="POSITIONAL")
    components: Mapped[list[Any]]
    optimization_spec: Mapped[dict[str, Any] | None]
    """Meta's maximum price per thousand deliveries (docs/meta.md §2.7); NULL: the rate card applies."""
    message_send_ttl_seconds: Mapped[int | None]
    """For how long Meta tries to deliver a message; NULL: as Meta's default says."""
    opt_out_buttons: Mapped[list[Any] | None]
    """The places of the buttons that opt out, recognized when it was read; NULL if Hark read it before it knew them."""
    rejected_reason: Mapped[str | None] = mapped_column(Text)
    stale_at: Mapped[datetime | None]
    """When Meta reported that the text changed; the template is not used until it is read again."""
    synced_at: Mapped[datetime | None]
    missing_at: Mapped[datetime | None]
    """Since when Meta does not list it any more."""
    created_at: Mapped[datetime]

    waba: Mapped[Waba] = relationship()
