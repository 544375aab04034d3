"""Stores the folded texts of contacts, in which the search looks: a narrow table, of which a million rows are read in a moment."""

from sqlalchemy import Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, BigId


class ContactSearchText(Base):
    """The names and the e-mail address of a contact, folded. Triggers on `contact` make and empty the rows, whoever writes it.

    Without a foreign key, which every import would pay for: contacts are never deleted.
    """

    __tablename__ = "contact_search"
    __table_args__ = (
        Index(
            "ix_contact_search_stale",
            "contact_id",
            sqlite_where=text("folded IS NULL"),
            postgresql_where=text("folded IS NULL"),
        ),
    )

    contact_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    folded: Mapped[str | None] = mapped_column(Text)
    """NULL after a change, until `models.contacts.text_search.fold_stale` writes it; the search folds those itself."""
