"""Stores contacts, their ids, their history of consent, and suppressions. A contact has at least one of phone, wa_id and BSUID."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.db.base import Base, BigId, word


class Consent(StrEnum):
    """The consent of a contact. Campaigns send to SUBSCRIBED alone, and nothing overrides that."""

    SUBSCRIBED = "subscribed"
    PENDING = "pending"
    NOT_SUBSCRIBED = "not_subscribed"
    UNSUBSCRIBED = "unsubscribed"
    UNKNOWN = "unknown"
    INVALID = "invalid"
    REDACTED = "redacted"


class PhoneProblem(StrEnum):
    """Why a stored phone cannot be sent to."""

    INVALID_PHONE = "invalid_phone"
    MISSING_CALLING_CODE = "missing_calling_code"
    UNCLEAR_PHONE = "unclear_phone"
    """Without its plus it may be one of two people's: it is kept, and asked about."""


class Contact(Base):
    """A person."""

    __tablename__ = "contact"
    __table_args__ = (
        CheckConstraint(
            "phone IS NOT NULL OR wa_id IS NOT NULL OR raw_phone IS NOT NULL OR has_identity"
            " OR redacted_at IS NOT NULL OR merged_into_id IS NOT NULL",
            name="identity",
        ),
        CheckConstraint("(consent = 'redacted') = (redacted_at IS NOT NULL)", name="redacted"),
        CheckConstraint("phone IS NULL OR phone LIKE '+%'", name="phone_is_e164"),
        Index("ix_contact_consent", "consent", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    phone: Mapped[str | None] = mapped_column(String(20), unique=True)
    """E.164 with its plus; NULL if the phone has a problem."""
    raw_phone: Mapped[str | None] = mapped_column(String(64), unique=True)
    """The original text of a phone that could not be converted to E.164; `phone_problem` says why."""
    phone_problem: Mapped[PhoneProblem | None] = mapped_column(word(PhoneProblem, "phone_problem", grows=True))
    wa_id: Mapped[str | None] = mapped_column(String(32), unique=True)
    has_identity: Mapped[bool] = mapped_column(default=False)
    """Whether a row of contact_identity exists; a column here, so that the CHECK can use it."""
    person_key: Mapped[str] = mapped_column(String(200), index=True)
    """See models.contacts.phone.person_key. Not unique: two records may turn out to be one person before they are merged."""
    name: Mapped[str] = mapped_column(String(300), default="")
    first_name: Mapped[str | None] = mapped_column(String(150))
    last_name: Mapped[str | None] = mapped_column(String(150))
    email: Mapped[str | None] = mapped_column(String(254))
    username: Mapped[str | None] = mapped_column(String(100))
    """WhatsApp's username: for display alone, never a key."""
    language: Mapped[str | None] = mapped_column(String(16))
    country: Mapped[str | None] = mapped_column(String(2))
    time_zone: Mapped[str | None] = mapped_column(String(64))
    consent: Mapped[Consent] = mapped_column(word(Consent, "consent"), default=Consent.UNKNOWN)
    consent_at: Mapped[datetime | None]
    marketing_stopped_at: Mapped[datetime | None]
    """Meta's own marketing stop (user_preferences, 131050): suppresses marketing alone."""
    marketing_preference_at: Mapped[datetime | None]
    """Meta's time of the newest preference applied: an older one that comes late changes nothing."""
    undeliverable_count: Mapped[int] = mapped_column(default=0)
    """How often Meta answered 131026 since the last delivery; two mean that the number is not on WhatsApp."""
    last_inbound_at: Mapped[datetime | None] = mapped_column(index=True)
    attributes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Values of the custom attributes, by name."""
    shopify_id: Mapped[str | None] = mapped_column(String(64), unique=True)
    shopify_changed_at: Mapped[datetime | None]
    """The shop's time of the newest event applied to this customer: an older one that comes late changes nothing."""
    redacted_at: Mapped[datetime | None]
    merged_into_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("contact.id"), index=True)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    identities: Mapped[list["ContactIdentity"]] = relationship(back_populates="contact", cascade="all, delete-orphan")


class ContactIdentity(Base):
    """A person's business-scoped user id in one portfolio (docs/meta.md §7.9)."""

    __tablename__ = "contact_identity"
    __table_args__ = (Index("uq_contact_identity_bsuid", "portfolio_id", "bsuid", unique=True),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), index=True)
    portfolio_id: Mapped[int] = mapped_column(ForeignKey("portfolio.id"))
    bsuid: Mapped[str] = mapped_column(String(200))
    parent_bsuid: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime]

    contact: Mapped[Contact] = relationship(back_populates="identities")


class ConsentEvent(Base):
    """One change of consent: appended, never changed. It is the proof that a business must be able to show."""

    __tablename__ = "consent_event"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"), index=True)
    before: Mapped[Consent | None] = mapped_column(word(Consent, "before"))
    after: Mapped[Consent] = mapped_column(word(Consent, "after"))
    at: Mapped[datetime]
    source: Mapped[str] = mapped_column(String(200))
    proof: Mapped[str | None] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(String(254))


class Suppression(Base):
    """A person who never gets a message again. Stored as a keyed hash, so that an import cannot bring a redacted person back."""

    __tablename__ = "suppression"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    person_hash: Mapped[str] = mapped_column(String(64), unique=True)
    reason: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
