"""Stores which account at the provider of single sign-on belongs to a user."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base


class ExternalIdentity(Base):
    """The provider's account of a user, by the issuer and its id there (`sub`), which is never given to somebody else.

    A user has one at most, and an account belongs to one user.
    """

    __tablename__ = "external_identity"
    __table_args__ = (Index("uq_external_identity_subject", "issuer", "subject", unique=True),)

    user_id: Mapped[int] = mapped_column(
        ForeignKey("user.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    issuer: Mapped[str] = mapped_column(String(500))
    subject: Mapped[str] = mapped_column(String(255))
    linked_at: Mapped[datetime]
    last_used_at: Mapped[datetime]
