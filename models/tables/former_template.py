"""Stores what a template said before Meta listed another text for it, so that what was sent can be shown as it was."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base


class FormerTemplate(Base):
    """An earlier text of a template: what it said until `replaced_at`."""

    __tablename__ = "former_template"
    __table_args__ = (Index("ix_former_template_replaced", "template_id", "replaced_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    template_id: Mapped[int] = mapped_column(ForeignKey("template.id", ondelete="CASCADE"))
    category: Mapped[str] = mapped_column(String(32))
    parameter_format: Mapped[str] = mapped_column(String(16))
    components: Mapped[list[Any]]
    replaced_at: Mapped[datetime]
