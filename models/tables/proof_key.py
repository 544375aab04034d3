"""Stores the keys with which the installation signs proofs."""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base


class ProofKey(Base):
    """An Ed25519 key. The newest signs; older ones stay, so that what they signed is still recognized."""

    __tablename__ = "proof_key"

    id: Mapped[int] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64), unique=True)
    """SHA-256 of the public key's 32 bytes, in hexadecimal."""
    public_key: Mapped[str] = mapped_column(Text)
    """PEM."""
    private_key: Mapped[str] = mapped_column(Text)
    """PEM, encrypted with ENCRYPTION_KEY."""
    created_at: Mapped[datetime]
