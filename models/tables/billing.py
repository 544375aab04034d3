"""Stores rate cards, the balance and each campaign's spending. Amounts are in millionths of the currency's unit.

A rate card is never changed: loading a file creates a new one, and a campaign keeps the card of its start. So charged amounts
do not change later.
"""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, BigId

BUDGET_ID = 1


class RateCard(Base):
    """One loaded file of prices; the newest is in force."""

    __tablename__ = "rate_card"

    id: Mapped[int] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(String(3))
    source: Mapped[str] = mapped_column(String(300))
    loaded_at: Mapped[datetime]
    loaded_by: Mapped[str] = mapped_column(String(254))


class Rate(Base):
    """The price of one delivered message from a day on (00:00 UTC), until a later row of the same country and category."""

    __tablename__ = "rate"
    __table_args__ = (CheckConstraint("amount >= 0", name="amount"),)

    card_id: Mapped[int] = mapped_column(ForeignKey("rate_card.id", ondelete="CASCADE"), primary_key=True)
    country: Mapped[str] = mapped_column(String(2), primary_key=True)
    """An ISO code, or `*` for every country that the card does not name."""
    category: Mapped[str] = mapped_column(String(40), primary_key=True)
    valid_from: Mapped[date] = mapped_column(Date, primary_key=True)
    amount: Mapped[int] = mapped_column(BigInteger)


class Budget(Base):
    """The installation's one balance; `amount` NULL: it is off."""

    __tablename__ = "budget"
    __table_args__ = (
        CheckConstraint(f"id = {BUDGET_ID}", name="one_row"),
        CheckConstraint("amount >= 0", name="amount"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    amount: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    charged_before: Mapped[int] = mapped_column(BigInteger, default=0)
    """What campaigns and answers had been charged in this currency when the balance was set: only later charges reduce it."""
    warned_pct: Mapped[int] = mapped_column(default=0)
    """The highest threshold (80, 90, 100) of which operators were warned already."""
    set_at: Mapped[datetime]
    set_by: Mapped[str] = mapped_column(String(254))


class Spending(Base):
    """The part of the balance that a campaign reserves, and what it was charged.

    Once the launch is over, both are computed from the recipients (models.billing.spending), so that they cannot drift.
    """

    __tablename__ = "spending"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    card_id: Mapped[int | None] = mapped_column(ForeignKey("rate_card.id"))
    """The card in force at the start; NULL if there was none: every price is unknown."""
    category: Mapped[str] = mapped_column(String(40))
    """The template's, at the start."""
    priced_at: Mapped[datetime]
    reserved: Mapped[int] = mapped_column(BigInteger, default=0)
    """Reserved for messages that may still be charged; until the launch is over, the estimate."""
    leaving: Mapped[int] = mapped_column(BigInteger, default=0)
    """The part of `reserved` for messages that may have been sent: it cannot be released."""
    charged: Mapped[int] = mapped_column(BigInteger, default=0)
    frozen: Mapped[int] = mapped_column(BigInteger, default=0)
    """The price of all recipients whom the launch has queued."""
    eligible: Mapped[int] = mapped_column(BigId, default=0)
    """Number of recipients that were not left out, as of `counted_at`."""
    billed: Mapped[int] = mapped_column(BigId, default=0)
    """Number of recipients whose message was delivered and billed, whether the price is known or not."""
    unpriced: Mapped[int] = mapped_column(BigId, default=0)
    """Those of `billed` whose price is unknown."""
    untold: Mapped[int | None] = mapped_column(BigId)
    """Number of recipients whose message was delivered, and of whom Meta has not said whether it is billed. NULL: not counted."""
    counted_at: Mapped[datetime | None]
    price_cap: Mapped[int | None] = mapped_column(BigInteger)
    """What a message may cost at most, at the start, in millionths; NULL beside a currency: it could not be told."""
    price_cap_currency: Mapped[str | None] = mapped_column(String(3))
    """NULL: no template of the campaign had a maximum price."""
