"""Counts how many people replied to ended campaigns and what answered them, before their messages are purged."""

from datetime import datetime

from jobs.core.runtime import Runtime
from models.billing.reply_history import campaigns_to_count, count_replies, store_replies


def count_ended_campaigns(rt: Runtime, now: datetime) -> int:
    """Count the newest ended campaign that was not counted; returns how many were.

    One at a time: it runs between the schedule's other jobs, which must not wait for all of them.
    """
    with rt.database.read() as session:
        ids = campaigns_to_count(session, now)[:1]
        rows = [count_replies(session, campaign_id, now) for campaign_id in ids]
    for row in rows:
        with rt.database.write() as session:
            store_replies(session, row)
    return len(rows)
