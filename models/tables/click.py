"""Stores requests for tracked links: when, what asked, and on what kind of device. Neither address nor user agent is kept."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, BigId, word


class ClickKind(StrEnum):
    """What asked for a tracked link. Only a person's request is a click; the others are shown apart."""

    PERSON = "person"
    PREVIEW = "preview"
    """A chat or a social network that draws a preview of the link."""
    BOT = "bot"
    """A crawler, a scanner or another program."""
    HEAD = "head"
    """A HEAD request of what is neither a preview nor a bot: it asks where the link leads, and opens nothing."""


class DeviceClass(StrEnum):
    """On what kind of device a link was opened, as far as the user agent says."""

    PHONE = "phone"
    TABLET = "tablet"
    COMPUTER = "computer"
    OTHER = "other"


class Click(Base):
    """One request for a recipient's link. Its campaign is the link's."""

    __tablename__ = "click"
    __table_args__ = (
        Index("ix_click_link", "link_id", "kind", "recipient_id", "at"),
        Index("ix_click_recipient", "recipient_id", "kind", "at"),
    )

    entry_ms: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """With `entry_seq` the id of the request's entry in the stream of clicks: an entry that is read twice is stored once."""
    entry_seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    link_id: Mapped[int] = mapped_column(BigId, ForeignKey("tracked_link.id"))
    recipient_id: Mapped[int] = mapped_column(BigId, ForeignKey("recipient.id"))
    kind: Mapped[ClickKind] = mapped_column(word(ClickKind, "kind", grows=True))
    device: Mapped[DeviceClass] = mapped_column(word(DeviceClass, "device", grows=True))
    at: Mapped[datetime]


class MetaClick(Base):
    """A link click that Meta reported for a number (docs/meta.md §7.10). It names neither a person nor a message nor a campaign."""

    __tablename__ = "meta_click"
    __table_args__ = (Index("ix_meta_click_number", "number_id", "action_type", "at"),)

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    """A hash of Meta's id of the click and of the action, else of the whole report: the same report twice is one row."""
    number_id: Mapped[int] = mapped_column(ForeignKey("number.id"))
    action_type: Mapped[str] = mapped_column(String(64))
    """In Meta's words; unknown ones are kept."""
    at: Mapped[datetime]
