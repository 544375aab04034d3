"""Stores what stands between Hark and a shop: customers without a phone, customers to read, opt-outs to write, the daily look."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, BigId, word


class PhoneReason(StrEnum):
    """Why a customer of a shop is no contact."""

    NO_PHONE = "no_phone"
    """The shop names none. It also looks so where the app may not see phones."""
    NOT_A_NUMBER = "not_a_number"
    INVALID_PHONE = "invalid_phone"
    MISSING_CALLING_CODE = "missing_calling_code"
    UNCLEAR_PHONE = "unclear_phone"


class ShopCustomerWithoutPhone(Base):
    """A customer whom no message can reach: kept and listed, and no contact. The row goes when a usable phone comes."""

    __tablename__ = "shop_customer_without_phone"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop: Mapped[str] = mapped_column(String(100))
    customer_id: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(300), default="")
    email: Mapped[str | None] = mapped_column(String(254))
    raw_phone: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[PhoneReason] = mapped_column(word(PhoneReason, "reason", grows=True), index=True)
    changed_at: Mapped[datetime | None]
    """The shop's time of the newest event applied: an older one that comes late changes nothing."""
    seen_at: Mapped[datetime] = mapped_column(index=True)
    """When the shop last spoke of them."""


class ShopCustomerRead(Base):
    """A customer whose record has to be read at the shop, with its consent to WhatsApp messages. The row goes when it was."""

    __tablename__ = "shop_customer_read"

    customer_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    asked_at: Mapped[datetime]
    """Of the last request: a reading that began before another request does not settle it."""
    tries: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime] = mapped_column(index=True)


class OptOutState(StrEnum):
    """What became of telling the shop that a customer opted out."""

    PENDING = "pending"
    WRITTEN = "written"
    ALREADY_THERE = "already_there"
    """The shop had it."""
    FROM_SHOP = "from_shop"
    """The shop said it first."""
    NEWER_IN_SHOP = "newer_in_shop"
    """The person subscribed in the shop after they had opted out here. The shop keeps that, and Hark keeps the opt-out."""
    NO_CUSTOMER = "no_customer"
    NO_PHONE = "no_phone"
    """The shop keeps consent with a phone of the customer's own, and they have none, or another person's."""
    REFUSED = "refused"


class ShopOptOut(Base):
    """A customer's opt-out, as it is told to the shop. Made from the contact's consent, so that losing one loses nothing."""

    __tablename__ = "shop_opt_out"
    __table_args__ = (Index("ix_shop_opt_out_due", "state", "next_try_at"),)

    customer_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    opted_out_at: Mapped[datetime]
    """The contact's `consent_at`: another one makes the row pending again."""
    state: Mapped[OptOutState] = mapped_column(word(OptOutState, "state", grows=True))
    tries: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime]
    detail: Mapped[str] = mapped_column(Text, default="")
    """A stored text (models.stored_texts): why the shop did not take it the last time."""
    updated_at: Mapped[datetime]


class ShopLook(Base):
    """The daily look at the customers that a shop changed: how far it is, and when the last one was done."""

    __tablename__ = "shop_look"

    shop: Mapped[str] = mapped_column(String(100), primary_key=True)
    since: Mapped[datetime]
    """Customers changed from here on are asked for."""
    cursor: Mapped[str | None] = mapped_column(Text)
    """The shop's place after the last page that was applied."""
    reached_at: Mapped[datetime | None]
    """The shop's time of the last customer that was applied."""
    in_window: Mapped[int] = mapped_column(default=0)
    """Customers behind `cursor`: a shop pages only so far, then a new window begins at `reached_at`."""
    customers: Mapped[int] = mapped_column(default=0)
    """Customers of this look."""
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    next_try_at: Mapped[datetime]
    error: Mapped[str] = mapped_column(Text, default="")
    """A stored text: why the shop could not be asked the last time; empty once it answered."""
