"""Reads a campaign's rule to try temporary failures again, and says until when it applies."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from models.tables.campaign import LIVE, Campaign

MAX_HOURS = 30 * 24
"""Meta may deliver a message for up to 30 days (docs/meta.md §2.1); a rule ends by then."""


@dataclass(frozen=True, slots=True)
class TemporaryFailure:
    """A code of Meta's after which a later try may succeed, since the message was certainly not delivered.

    `waits`: how long after the failure of the first, second, … try the next may follow; the last one repeats. `by_status`: also
    where Meta accepted the message and reported the failure later; else only where her answer refused it.
    """

    code: int
    waits: tuple[timedelta, ...]
    by_status: bool


def retry_until(campaign: Campaign) -> datetime | None:
    """Until when the campaign's rule queues new tries; None without a rule, or before the launch."""
    return read_until(campaign.retry, campaign.launched_at or campaign.started_at)


def read_until(rule: Mapping[str, Any] | None, started_at: datetime | None) -> datetime | None:
    """The end of a rule of the file's form for a campaign that started then; None if there is none."""
    if not rule:
        return None
    if rule.get("until"):
        return datetime.fromisoformat(rule["until"])
    return None if started_at is None else started_at + timedelta(hours=int(rule["for_hours"]))


def has_rule_now(campaign: Campaign, now: datetime) -> bool:
    """Whether the campaign's rule queues new tries now."""
    until = retry_until(campaign)
    return campaign.status in LIVE and campaign.launched_at is not None and until is not None and now < until
