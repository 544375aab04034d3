"""Stores what was charged, by everything that a statement is read by: sums of recipients and of answers. Neither names a person.

The rows are derived: a recount replaces those of a campaign, or those of a month of answers. Amounts are in millionths.
"""

from datetime import date

from sqlalchemy import BigInteger, Date, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, BigId

UNKNOWN = ""
"""The country that is not known, and the currency of messages whose price is unknown: their `charged` is 0 and means nothing."""


class CampaignCharge(Base):
    """The delivered and billed messages of a campaign in a calendar month of the business's zone, and what they cost together."""

    __tablename__ = "campaign_charge"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    month: Mapped[date] = mapped_column(Date, primary_key=True, index=True)
    """Its first day."""
    country: Mapped[str] = mapped_column(String(2), primary_key=True)
    category: Mapped[str] = mapped_column(String(40), primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    messages: Mapped[int] = mapped_column(BigId)
    charged: Mapped[int] = mapped_column(BigInteger)


class AnswerCharge(Base):
    """The same of the messages of bots and agents of a number; `AnswerSpending` has their sums."""

    __tablename__ = "answer_charge"

    number_id: Mapped[int] = mapped_column(ForeignKey("number.id"), primary_key=True)
    month: Mapped[date] = mapped_column(Date, primary_key=True, index=True)
    country: Mapped[str] = mapped_column(String(2), primary_key=True)
    category: Mapped[str] = mapped_column(String(40), primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    messages: Mapped[int] = mapped_column(BigId)
    charged: Mapped[int] = mapped_column(BigInteger)
