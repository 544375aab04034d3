"""What a person was known by before, and what their records said before two of them became one."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, BigId, word


class AliasKind(StrEnum):
    """What a former value was a value of."""

    FIELD = "field"
    ATTRIBUTE = "attribute"
    TAG = "tag"


class ContactAlias(Base):
    """A number or an id by which a person is still found, besides what stands on their record. Each leads to one person."""

    __tablename__ = "former_id"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contact_id: Mapped[int] = mapped_column(BigId, ForeignKey("contact.id"), index=True)
    key: Mapped[str] = mapped_column(String(220), unique=True)
    """A person_key, or `raw:` and `shop:` with what was given."""
    shown: Mapped[str] = mapped_column(String(200))
    was_whatsapp: Mapped[bool]
    """The person wrote from it: not only a number that somebody put down."""
    moved_at: Mapped[datetime | None]
    """The person gave the number up then, by WhatsApp's own word: what comes from it later is somebody else's."""
    created_at: Mapped[datetime]


class MergedValue(Base):
    """What a record said that became a part of another, where the other said something else."""

    __tablename__ = "former_value"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contact_id: Mapped[int] = mapped_column(BigId, ForeignKey("contact.id"), index=True)
    kind: Mapped[AliasKind] = mapped_column(word(AliasKind, "kind"))
    name: Mapped[str] = mapped_column(String(100))
    value: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
