"""Stores the chain of the audit: a hash for each entry that covers the entry and the hash before it."""

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, BigId

ONLY_ROW = 1


class AuditSeal(Base):
    """The link of one entry: written in the transaction of the entry, never changed."""

    __tablename__ = "audit_seal"

    number: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    """1, 2, 3 … in the order of commits, without gaps. Entries of before the chain follow later, in the order of their ids."""
    audit_id: Mapped[int] = mapped_column(BigId, unique=True)
    hash: Mapped[str] = mapped_column(String(64))
    """SHA-256, in hex, of the hash before, the number and the entry."""
    mac: Mapped[str] = mapped_column(String(64))
    """HMAC-SHA256 of `hash` with a key that is not in the database."""


class AuditChain(Base):
    """The only row: the end of the chain. It is locked last in a transaction, until the commit."""

    __tablename__ = "audit_chain"
    __table_args__ = (CheckConstraint("id = 1", name="only_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigId)
    """The last number that was given; 0 at the beginning."""
    hash: Mapped[str] = mapped_column(String(64))
    """The hash of that number; empty at the beginning."""
    old_last: Mapped[int] = mapped_column(BigId)
    """The highest id of an entry that was written before there was a chain. The first hash covers it."""
    start_number: Mapped[int] = mapped_column(BigId)
    """The last number whose entry was deleted because its time was over; 0 if none was."""
    start_hash: Mapped[str] = mapped_column(String(64))
    """Its hash, on which the first entry that is left stands."""
    start_mac: Mapped[str] = mapped_column(String(64))
    """The HMAC of both and of `old_last`."""
