"""Says on a campaign's page who failed for a passing reason, and until when the campaign tries them again by itself."""

from dataclasses import dataclass
from datetime import datetime

from admin.panel.campaigns.facts import CampaignSummary
from jobs.core.runtime import Runtime
from jobs.tries.again import retry_counts
from models.retry.rule import retry_until
from models.tables.campaign import LIVE
from models.tables.recipient_try import RecipientTry


@dataclass(frozen=True, slots=True)
class RetryNotice:
    """`due`: people who can be tried again now; `waiting`: those who failed too recently. `until`: the end of its rule."""

    due: int
    waiting: int
    until: datetime | None


def retry_notice(rt: Runtime, facts: CampaignSummary) -> RetryNotice | None:
    """None for a campaign that does not run, or without anybody to try again."""
    if facts.campaign.status not in LIVE or not facts.is_launched or not facts.stats["failed"]:
        return None
    due, waiting = retry_counts(rt, facts.campaign.id)
    return RetryNotice(due, waiting, retry_until(facts.campaign)) if due or waiting else None


def moment_of(row: RecipientTry) -> datetime | None:
    """The latest time that an earlier try has."""
    times = (row.read_at, row.delivered_at, row.failed_at, row.sent_at, row.accepted_at, row.unsure_at, row.claimed_at)
    return next((at for at in times if at), None)
