"""Stores the last moment at which a machine's clock was right, by which a clock that jumps is recognised."""

from datetime import datetime

from sqlalchemy import Float, String
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base


class ClockSeen(Base):
    """The clock of one machine since one of its boots (jobs.core.clock_check).

    `at` was the time when the machine had run for `uptime_seconds`. `jump_seconds` is by how much the clock differs from what it
    should show since then, noticed at the uptime `jumped_at`; both are None while it agrees.
    """

    __tablename__ = "clock_seen"

    boot_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    host: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]
    uptime_seconds: Mapped[float] = mapped_column(Float)
    jump_seconds: Mapped[float | None] = mapped_column(Float)
    jumped_at: Mapped[float | None] = mapped_column(Float)
