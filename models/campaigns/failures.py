"""What Meta said of a campaign's messages after it had taken them, as its rows tell it: read for the guardrail, nothing counted.

Recipients are sent to in the order of their ids, so neighbours by id were sent at about the same time. The primary key leads to
them, however large the campaign is.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.db.dialect import literal_word
from models.tables.audit import MONITOR, Audit, AuditAction
from models.tables.recipient import Recipient, RecipientState

SPAN = 5_000
"""Rows of other campaigns, and of people who were left out, stand between; a look reads no more than so many."""
IN_CHUNKS_OF = 5_000
_ANSWERED = (RecipientState.ACCEPTED, RecipientState.HELD, RecipientState.REFUSED)


class NewFailure(NamedTuple):
    """A failure that was not known before this batch of statuses. `at` is Meta's time."""

    campaign_id: int
    recipient_id: int
    contact_id: int
    code: int
    """0 where Meta gave none."""
    at: datetime


class RecentResult(NamedTuple):
    """What is known of one message by now: what it failed with, or that it has not failed."""

    has_failed: bool
    code: int
    said: str


def last_resumed_at(session: Session, object_type: str, object_id: int) -> datetime | None:
    """When somebody last let this campaign or number go on: what was sent before that stops it no more."""
    query = select(func.max(Audit.at)).where(
        Audit.object_type == object_type,
        Audit.object_id == str(object_id),
        Audit.action == AuditAction.RESUME,
        Audit.actor != MONITOR,
    )
    return session.scalar(query)


def recent_results(
    session: Session, campaign_id: int, recipient_id: int, since: datetime | None, limit: int, *, is_later: bool = False
) -> Sequence[RecentResult]:
    """Up to `limit` messages of a campaign that end with this recipient (`is_later`: begin), of those claimed `since`.

    One that Meta has said nothing of counts as not failed: the share of failures is never too high, whatever comes late.
    """
    key = Recipient.id
    near = (
        key.between(recipient_id, recipient_id + SPAN) if is_later else key.between(recipient_id - SPAN, recipient_id)
    )
    of_campaign = Recipient.campaign_id + 0 == campaign_id  # no index by it: that one leads through the whole campaign
    query = (
        select(Recipient.status, Recipient.error_code, Recipient.error_msg)
        .where(near, of_campaign)
        .where(Recipient.state.in_([literal_word(state) for state in _ANSWERED]))
        .order_by(key if is_later else key.desc())
        .limit(limit)
    )
    if since is not None:
        query = query.where(Recipient.claimed_at >= since)
    return [
        RecentResult(row.status == "failed", row.error_code or 0, row.error_msg or "") for row in session.execute(query)
    ]


def is_any_since(session: Session, recipient_ids: Sequence[int], since: datetime) -> bool:
    """Whether any of these was claimed since then."""
    for start in range(0, len(recipient_ids), IN_CHUNKS_OF):
        ids = recipient_ids[start : start + IN_CHUNKS_OF]
        query = select(Recipient.id).where(Recipient.id.in_(ids), Recipient.claimed_at >= since).limit(1)
        if session.scalar(query) is not None:
            return True
    return False
