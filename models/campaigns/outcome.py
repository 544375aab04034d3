"""What came of a campaign's delivery, worked out from its rows: probes of one index, whatever the campaign's size."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, or_, select, update
from sqlalchemy.orm import Session

from models.db.dialect import NO_SYNC
from models.db.functions import Probe
from models.tables.campaign import LIVE, Campaign, CampaignOutcome, CampaignStatus
from models.tables.recipient import Recipient, RecipientState

LATE_STATUSES = timedelta(days=8)
"""Meta retries a webhook for up to seven days: a failure that comes so late still turns the outcome."""

UNDER_WAY = (RecipientState.QUEUED, RecipientState.SENDING)
ANSWERED = (RecipientState.ACCEPTED, RecipientState.HELD)
THROUGH = ("sent", "delivered", "read")


def changed_outcomes(session: Session, now: datetime) -> list[tuple[int, CampaignOutcome]]:
    """Campaigns whose rows say something else than their outcome does."""
    worked_out = _outcome()
    is_recent = Campaign.last_sent_at >= now - LATE_STATUSES
    is_open = or_(
        Campaign.status.in_(LIVE), Campaign.outcome.in_([CampaignOutcome.PREPARING, CampaignOutcome.SENDING]), is_recent
    )
    has_rows = or_(Campaign.launched_at.is_not(None), Campaign.status == CampaignStatus.ENDED)
    query = (
        select(Campaign.id, Campaign.outcome.label("before"), worked_out.label("outcome"))
        .where(Campaign.started_at.is_not(None), Campaign.deleted_at.is_(None), has_rows, is_open)
        .order_by(Campaign.id)
        .execution_options(probes=True)
    )
    return [(row.id, CampaignOutcome(row.outcome)) for row in session.execute(query) if row.before != row.outcome]


def settle_outcomes(session: Session, campaign_ids: Sequence[int]) -> None:
    """Set the outcome that the rows say now."""
    session.execute(
        update(Campaign).where(Campaign.id.in_(campaign_ids)).values(outcome=_outcome()),
        execution_options=NO_SYNC | {"probes": True},
    )


def _outcome() -> ColumnElement[Any]:
    """`sent` when every eligible one was accepted and none failed, is held or is unsure, `failed` when none got through.

    Who is unsure may have got it, so a campaign of unsure ones is not called failed: that would invite to send it again. Meta
    may keep one back and never say what became of it: once the campaign has ended nobody waits for that, though it counts.
    """
    is_held = _any(Recipient.state == RecipientState.HELD, status="held")
    is_busy = or_(_any(Recipient.state.in_(UNDER_WAY)), and_(is_held, Campaign.status != CampaignStatus.ENDED))
    got_through = or_(*(_any(Recipient.state.in_(ANSWERED), status=status) for status in THROUGH))
    is_unsure = _any(Recipient.state == RecipientState.UNSURE)
    lost_some = or_(
        is_unsure,
        is_held,
        _any(Recipient.state == RecipientState.REFUSED),
        _any(Recipient.state.in_(ANSWERED), status="failed"),
    )
    return case(
        (is_busy, CampaignOutcome.SENDING),
        (and_(got_through, ~lost_some), CampaignOutcome.SENT),
        (or_(got_through, is_unsure, is_held), CampaignOutcome.PARTIALLY_SENT),
        else_=CampaignOutcome.FAILED,
    )


def _any(condition: ColumnElement[bool], status: str | None = None) -> ColumnElement[bool]:
    found = Probe().where(Recipient.campaign_id == Campaign.id, condition).correlate(Campaign)
    return found.where(Recipient.status == status) if status else found
