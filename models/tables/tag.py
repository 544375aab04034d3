"""Stores tags, attributes and lists, and which contacts have them."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.db.base import Base, BigId, word

SHOPIFY_TAG = "shopify"


class Tag(Base):
    """A label. Each contact that has it may have a value for it."""

    __tablename__ = "tag"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    description: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]


class ContactTag(Base):
    """A tag of a contact, with its value, NULL for none."""

    __tablename__ = "contact_tag"
    __table_args__ = (
        Index("ix_contact_tag_tag_value", "tag_id", "value", "contact_id"),
        {"sqlite_with_rowid": False},
    )

    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True)
    tag_id: Mapped[int] = mapped_column(ForeignKey("tag.id"), primary_key=True)
    value: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[datetime]

    tag: Mapped[Tag] = relationship()


class AttributeType(StrEnum):
    """The type of an attribute's values."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    BOOLEAN = "boolean"


class Attribute(Base):
    """A custom field of all contacts; `default` is the fallback of variables."""

    __tablename__ = "attribute"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    type: Mapped[AttributeType] = mapped_column(word(AttributeType, "type"), default=AttributeType.TEXT)
    default: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[datetime]


class ContactList(Base):
    """A static set of contacts."""

    __tablename__ = "list"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    created_at: Mapped[datetime]


class ListMember(Base):
    """A contact in a list."""

    __tablename__ = "list_member"
    __table_args__ = ({"sqlite_with_rowid": False},)

    list_id: Mapped[int] = mapped_column(ForeignKey("list.id", ondelete="CASCADE"), primary_key=True)
    contact_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    created_at: Mapped[datetime]
