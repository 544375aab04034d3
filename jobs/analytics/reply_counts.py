"""Counts how many people replied to ended campaigns and what answered them, before their messages are purged."""

from datetime import datetime

from jobs.core.runtime import Runtime
from jobs.core.shutdown import SHUTDOWN
from models.billing.reply_history import campaigns_to_count, count_replies, store_replies


def count_ended_campaigns(rt: Runtime, now: datetime) -> int:
    """Count each ended campaign once; returns how many were counted."""
    with rt.database.read() as session:
        ids = campaigns_to_count(session, now)
    counted = 0
    for campaign_id in ids:
        if SHUTDOWN.is_set():
            break
        with rt.database.read() as session:
            row = count_replies(session, campaign_id, now)
        with rt.database.write() as session:
            store_replies(session, row)
        counted += 1
    return counted
