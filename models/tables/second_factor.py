"""Stores the second factors of users: an authenticator app's secret, recovery codes and passkeys."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, BigId


class Totp(Base):
    """The authenticator app of a user. It counts from its confirmation on.

    A secret that is not confirmed yet stands beside the one that counts, which goes on until the new one is confirmed.
    """

    __tablename__ = "totp"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("user.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    secret: Mapped[str | None] = mapped_column(Text)
    """Encrypted, as `new_secret` is; None until a code was right once."""
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int | None] = mapped_column(BigInteger)
    """The newest step of 30 seconds whose code was accepted: no code of it or of an earlier one is accepted again."""
    new_secret: Mapped[str | None] = mapped_column(Text)
    new_secret_at: Mapped[datetime | None]


class RecoveryCode(Base):
    """A code of one use that stands for a second factor that was lost. Only its hash is stored."""

    __tablename__ = "recovery_code"
    __table_args__ = (Index("uq_recovery_code_user_id", "user_id", "code_hash", unique=True),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    code_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Passkey(Base):
    """A passkey of a user: the public half of a key pair whose other half never leaves the user's device."""

    __tablename__ = "passkey"
    __table_args__ = (Index("uq_passkey_credential_id", "credential_id", unique=True),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(60))
    credential_id: Mapped[str] = mapped_column(String(1400))
    """URL-safe base64, as is `public_key`. WebAuthn allows 1,023 bytes."""
    public_key: Mapped[str] = mapped_column(Text)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    """What the authenticator counted at the last use; 0 for one that does not count."""
    rp_id: Mapped[str] = mapped_column(String(253))
    """The host that the passkey is for: it works at no other."""
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
