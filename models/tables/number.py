"""Stores our accounts at Meta: portfolios have WhatsApp Business Accounts, which have the numbers that we send from."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.db.base import Base, word

ONBOARDED = "ONBOARDED"
"""The one value of `Waba.marketing_onboarding` with which an account may send by the Marketing Messages API."""
UNLIMITED = -1
"""A messaging limit that is none."""


class WabaState(StrEnum):
    """Whether an account may send."""

    OK = "ok"
    RESTRICTED = "restricted"
    DISABLED = "disabled"


class MarketingPolicy(StrEnum):
    """What happens to a marketing message that the Marketing Messages API does not take; Meta's words (docs/meta.md §2.6)."""

    STRICT = "STRICT"
    """It is not sent."""
    CLOUD_API_FALLBACK = "CLOUD_API_FALLBACK"
    """It goes by the Cloud API."""


class Portfolio(Base):
    """A business portfolio: messaging limits and BSUIDs are per portfolio."""

    __tablename__ = "portfolio"

    id: Mapped[int] = mapped_column(primary_key=True)
    meta_id: Mapped[str | None] = mapped_column(String(64), unique=True)
    messaging_limit: Mapped[int | None]
    """People per moving 24 h outside of service windows; NULL while unknown, -1 for no limit."""
    limit_read_at: Mapped[datetime | None]


class Waba(Base):
    """A WhatsApp Business Account, which owns templates and numbers."""

    __tablename__ = "waba"

    id: Mapped[int] = mapped_column(primary_key=True)
    portfolio_id: Mapped[int] = mapped_column(ForeignKey("portfolio.id"), index=True)
    waba_id: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200), default="")
    state: Mapped[WabaState] = mapped_column(word(WabaState, "state", grows=True), default=WabaState.OK)
    state_reason: Mapped[str | None] = mapped_column(Text)
    state_at: Mapped[datetime | None]
    """Meta's time of the newest event applied to `state`: an older one that comes late changes nothing."""
    subscribed_at: Mapped[datetime | None]
    templates_synced_at: Mapped[datetime | None]
    catalogs_read_at: Mapped[datetime | None]
    """When Meta last listed the account's catalogs; NULL: never, so nobody can say which are linked."""
    catalogs_error: Mapped[str | None] = mapped_column(Text)
    """Why Meta did not list them when she was last asked; a stored text."""
    currency: Mapped[str | None] = mapped_column(String(3))
    """In which Meta bills the account, and maximum prices of its templates are."""
    marketing_onboarding: Mapped[str | None] = mapped_column(String(64))
    """Whether the account may use the Marketing Messages API, in Meta's words; NULL while unknown."""
    marketing_terms: Mapped[str | None] = mapped_column(String(64))
    """Whether its owner signed the terms of that API, in Meta's words."""
    marketing_off_on_cloud_api: Mapped[bool | None]
    """Whether the Cloud API refuses marketing of this account."""
    marketing_read_at: Mapped[datetime | None]
    marketing_error: Mapped[str | None] = mapped_column(Text)
    """Why these could not be read when Meta was last asked; a stored text."""

    portfolio: Mapped[Portfolio] = relationship()


class Number(Base):
    """A WhatsApp Cloud phone number of ours."""

    __tablename__ = "number"

    id: Mapped[int] = mapped_column(primary_key=True)
    waba_id: Mapped[int] = mapped_column(ForeignKey("waba.id"), index=True)
    phone_number_id: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    display_phone: Mapped[str | None] = mapped_column(String(32))
    verified_name: Mapped[str | None] = mapped_column(String(200))
    access_token: Mapped[str] = mapped_column(Text)
    """Encrypted (`models.crypto`)."""
    status: Mapped[str] = mapped_column(String(32), default="UNKNOWN")
    """Meta's value (CONNECTED, BANNED, …), as last read."""
    quality: Mapped[str] = mapped_column(String(16), default="UNKNOWN")
    throughput: Mapped[str | None] = mapped_column(String(32))
    messages_per_second: Mapped[int | None]
    """An operator's own rate, inbound and outbound together; NULL: as `throughput` says (models.sending.number_rate)."""
    marketing_api: Mapped[bool | None]
    """Whether marketing templates go by the Marketing Messages API; NULL: by the Cloud API."""
    marketing_policy: Mapped[MarketingPolicy | None] = mapped_column(
        word(MarketingPolicy, "marketing_policy", grows=True)
    )
    marketing_activity_sharing: Mapped[bool | None]
    """Whether deliveries, reads and clicks are shared with Meta; NULL: as the account says at Meta."""
    stopped_at: Mapped[datetime | None]
    stopped_reason: Mapped[str | None] = mapped_column(Text)
    answers_go_on: Mapped[bool | None]
    """With `stopped_at`: only campaigns are stopped, as by a restriction of messages that a business begins."""
    held_until: Mapped[datetime | None]
    """Nothing is sent before this time (maintenance, throttling of the account)."""
    state_at: Mapped[datetime | None]
    """Meta's time of the newest event applied; name and throughput have their own below."""
    name_at: Mapped[datetime | None]
    throughput_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
    created_at: Mapped[datetime]

    waba: Mapped[Waba] = relationship()

    def may_send(self, now: datetime) -> bool:
        """Return whether the number is neither stopped nor held."""
        return self.stopped_at is None and (self.held_until is None or self.held_until <= now)
