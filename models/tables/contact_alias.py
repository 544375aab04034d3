"""Stores aliases: earlier numbers and ids that still lead to a contact; and the values that a merge replaced."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, BigId, word


class AliasKind(StrEnum):
    """What kind of value a merge replaced."""

    FIELD = "field"
    ATTRIBUTE = "attribute"
    TAG = "tag"


class ContactAlias(Base):
    """A number or an id that leads to a contact besides those on the contact itself. Each leads to one contact."""

    __tablename__ = "former_id"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contact_id: Mapped[int] = mapped_column(BigId, ForeignKey("contact.id"), index=True)
    key: Mapped[str] = mapped_column(String(220), unique=True)
    """A `person_key`, or `raw:` or `shop:` with the original text."""
    shown: Mapped[str] = mapped_column(String(200))
    was_whatsapp: Mapped[bool]
    """Whether the person wrote from it, so that it is not only a number that somebody entered."""
    moved_at: Mapped[datetime | None]
    """When WhatsApp reported that the person gave the number up: later messages from it are another person's."""
    created_at: Mapped[datetime]


class MergedValue(Base):
    """A value of a contact that was merged into another, where the other had a different value."""

    __tablename__ = "former_value"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contact_id: Mapped[int] = mapped_column(BigId, ForeignKey("contact.id"), index=True)
    kind: Mapped[AliasKind] = mapped_column(word(AliasKind, "kind"))
    name: Mapped[str] = mapped_column(String(100))
    value: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
