"""Stores the earlier tries of recipients: what stood on the row of the recipient when it was queued again.

The last try stands on the recipient itself, so a message that is sent once has no row here.
"""

from datetime import datetime

from sqlalchemy import BigInteger, Computed, ForeignKey, Index, SmallInteger, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, BigId, word
from models.tables.recipient import STATUS_SQL, RecipientState, SendEndpoint


class RecipientTry(Base):
    """One earlier try of a recipient. Columns that the recipient has too mean the same here.

    A status of Meta touches the try that its callback data name (models.events.statuses.apply).
    """

    __tablename__ = "recipient_try"
    __table_args__ = (
        Index("uq_recipient_try_attempt", "recipient_id", "attempt", unique=True),
        Index("ix_recipient_try_campaign", "campaign_id", "recipient_id"),
        Index(
            "ix_recipient_try_wamid",
            "wamid",
            sqlite_where=text("wamid IS NOT NULL"),
            postgresql_where=text("wamid IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    recipient_id: Mapped[int] = mapped_column(BigId, ForeignKey("recipient.id"))
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    """The recipient's, so that the figures of a campaign read one index; `contact_id` and `price_area` the same."""
    contact_id: Mapped[int] = mapped_column(BigId, ForeignKey("contact.id"), index=True)
    attempt: Mapped[int] = mapped_column(SmallInteger)
    """The recipient's `attempts` when it was queued again: the attempt whose answer ended the try."""
    again_at: Mapped[datetime]
    """When the next try was queued."""
    state: Mapped[RecipientState] = mapped_column(word(RecipientState, "state", grows=True))
    """REFUSED, UNSURE, or ACCEPTED of a message that failed afterwards."""
    failures: Mapped[int] = mapped_column(SmallInteger)
    endpoint: Mapped[SendEndpoint | None] = mapped_column(word(SendEndpoint, "endpoint", grows=True))
    wamid: Mapped[str | None] = mapped_column(String(300))
    error_code: Mapped[int | None]
    error_msg: Mapped[str | None] = mapped_column(Text)
    detail: Mapped[str | None] = mapped_column(Text)
    price_area: Mapped[str | None] = mapped_column(String(8))
    pricing_category: Mapped[str | None] = mapped_column(String(40))
    pricing_type: Mapped[str | None] = mapped_column(String(40))
    is_billable: Mapped[bool | None]
    cost: Mapped[int | None] = mapped_column(BigInteger)
    cost_currency: Mapped[str | None] = mapped_column(String(3))
    price_at: Mapped[datetime | None]
    queued_at: Mapped[datetime | None]
    claimed_at: Mapped[datetime | None]
    unsure_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]

    status: Mapped[str] = mapped_column(String(12), Computed(STATUS_SQL, persisted=True))
