"""Stores what messages of bots and agents cost: what Meta said of each, and the sums of a number and month.

Neither table names a person: `price_area` is the country and the first digits of a number. The rows outlive the messages, which are
purged and redacted, so that the sums stay true.
"""

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, BigId

NO_CURRENCY = ""
"""The currency of messages that were received while no rate card was loaded, and whose cost Meta did not name."""


class AnswerCost(Base):
    """What Meta said of the price of one message; a message that was received without a price has a row too."""

    __tablename__ = "answer_cost"

    message_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    """Without a foreign key: messages are purged earlier, and their ids are never reused."""
    number_id: Mapped[int] = mapped_column(ForeignKey("number.id"))
    price_area: Mapped[str | None] = mapped_column(String(8))
    received_at: Mapped[datetime | None] = mapped_column(index=True)
    """When it was delivered, or read; NULL until then."""
    pricing_category: Mapped[str | None] = mapped_column(String(40))
    pricing_type: Mapped[str | None] = mapped_column(String(40))
    is_billable: Mapped[bool | None]
    cost: Mapped[int | None] = mapped_column(BigInteger)
    """As that of a recipient."""
    cost_currency: Mapped[str | None] = mapped_column(String(3))
    price_at: Mapped[datetime | None]
    noted_at: Mapped[datetime] = mapped_column(index=True)


class AnswerSpending(Base):
    """The sums of one number, calendar month (of the business's zone) and currency; amounts in millionths, else messages."""

    __tablename__ = "answer_spending"

    number_id: Mapped[int] = mapped_column(ForeignKey("number.id"), primary_key=True)
    month: Mapped[date] = mapped_column(Date, primary_key=True)
    """Its first day."""
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    charged: Mapped[int] = mapped_column(BigInteger, default=0)
    billed: Mapped[int] = mapped_column(BigId, default=0)
    unpriced: Mapped[int] = mapped_column(BigId, default=0)
    """Those of `billed` whose price is unknown."""
    free: Mapped[int] = mapped_column(BigId, default=0)
    """Those of the number's free messages of the month, as Meta says."""
    free_entry_point: Mapped[int] = mapped_column(BigId, default=0)
    free_other: Mapped[int] = mapped_column(BigId, default=0)
    untold: Mapped[int] = mapped_column(BigId, default=0)
    """Received, and Meta has not said whether they are billed."""
    counted_at: Mapped[datetime]
