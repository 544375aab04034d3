"""Stores which people of a campaign are being put on a list, and how far that is."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, BigId


class ListFill(Base):
    """A list that is filled, in slices, with people of a campaign as they are when their slice is read."""

    __tablename__ = "list_fill"
    __table_args__ = (
        Index(
            "ix_list_fill_open",
            "id",
            sqlite_where=text("finished_at IS NULL"),
            postgresql_where=text("finished_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("list.id", ondelete="CASCADE"), index=True)
    campaign_id: Mapped[int]
    """Without a foreign key: a campaign that is deleted and purged ends the filling, and not the other way round."""
    people: Mapped[dict[str, Any]]
    """Who, as `models.segments.campaign_people.PeopleChoice.to_fields` has it."""
    after_id: Mapped[int] = mapped_column(BigId)
    """The id of the last recipient that was looked at."""
    until_id: Mapped[int] = mapped_column(BigId)
    """The highest id of the campaign's recipients when it began; `begin_id` is the one before the lowest."""
    begin_id: Mapped[int] = mapped_column(BigId)
    added: Mapped[int] = mapped_column(default=0)
    actor: Mapped[str] = mapped_column(String(254))
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
