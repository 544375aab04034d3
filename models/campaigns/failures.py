"""Reads the latest results of a campaign's messages from its recipients, for the failure guardrail.

Recipients are sent to in the order of their ids, so neighbours by id were sent at about the same time. The primary key finds
them, however large the campaign is.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.db.dialect import literal_word
from models.stored_texts import read_text
from models.tables.audit import MONITOR, Audit, AuditAction
from models.tables.recipient import Recipient, RecipientState
from models.text import Text

SPAN = 5_000
"""How many ids one query covers: rows of other campaigns and of `not_sent` recipients lie between."""
IN_CHUNKS_OF = 5_000
_ANSWERED = (RecipientState.ACCEPTED, RecipientState.HELD, RecipientState.REFUSED)


class NewFailure(NamedTuple):
    """A failure that this batch of statuses brought. `at` is Meta's time, `code` Meta's error code (docs/meta.md §3)."""

    campaign_id: int
    recipient_id: int
    contact_id: int
    code: int
    """0 if Meta gave none."""
    at: datetime


class RecentResult(NamedTuple):
    """The result of one message so far. `code` is 0 if it has not failed or Meta gave no code; `said` is Meta's text."""

    has_failed: bool
    code: int
    said: Text | None


def last_resumed_at(session: Session, object_type: str, object_id: int) -> datetime | None:
    """When an operator last resumed this campaign or number; None if never. Earlier failures do not stop it again."""
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
    """The results of up to `limit` messages before and including this recipient (`is_later`: from it on), claimed `since` then.

    A message without a status counts as not failed, so late statuses can only raise the share of failures.
    """
    key = Recipient.id
    is_near = (
        key.between(recipient_id, recipient_id + SPAN) if is_later else key.between(recipient_id - SPAN, recipient_id)
    )
    is_of_campaign = Recipient.campaign_id + 0 == campaign_id  # keeps the planner off the index of the whole campaign
    query = (
        select(Recipient.status, Recipient.error_code, Recipient.error_msg)
        .where(is_near, is_of_campaign)
        .where(Recipient.state.in_([literal_word(state) for state in _ANSWERED]))
        .order_by(key if is_later else key.desc())
        .limit(limit)
    )
    if since is not None:
        query = query.where(Recipient.claimed_at >= since)
    return [
        RecentResult(row.status == "failed", row.error_code or 0, read_text(row.error_msg))
        for row in session.execute(query)
    ]


def is_any_since(session: Session, recipient_ids: Sequence[int], since: datetime) -> bool:
    """Whether any of these recipients was claimed at or after `since`."""
    for start in range(0, len(recipient_ids), IN_CHUNKS_OF):
        ids = recipient_ids[start : start + IN_CHUNKS_OF]
        query = select(Recipient.id).where(Recipient.id.in_(ids), Recipient.claimed_at >= since).limit(1)
        if session.scalar(query) is not None:
            return True
    return False
