"""Derives a campaign's outcome from its recipients with probes of one index, whatever the campaign's size."""

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
"""Meta retries a webhook for up to seven days (docs/meta.md §7.3), so a late failure still changes the outcome."""

UNDER_WAY = (RecipientState.QUEUED, RecipientState.SENDING)
ANSWERED = (RecipientState.ACCEPTED, RecipientState.HELD)
THROUGH = ("sent", "delivered", "read")


def changed_outcomes(session: Session, now: datetime) -> list[tuple[int, CampaignOutcome]]:
    """(campaign id, new outcome) of the campaigns whose stored outcome differs from what their recipients say."""
    outcome = _outcome()
    is_recent = Campaign.last_sent_at >= now - LATE_STATUSES
    is_open = or_(
        Campaign.status.in_(LIVE), Campaign.outcome.in_([CampaignOutcome.PREPARING, CampaignOutcome.SENDING]), is_recent
    )
    has_rows = or_(Campaign.launched_at.is_not(None), Campaign.status == CampaignStatus.ENDED)
    query = (
        select(Campaign.id, Campaign.outcome.label("before"), outcome.label("outcome"))
        .where(Campaign.started_at.is_not(None), Campaign.deleted_at.is_(None), has_rows, is_open)
        .order_by(Campaign.id)
        .execution_options(probes=True)
    )
    return [(row.id, CampaignOutcome(row.outcome)) for row in session.execute(query) if row.before != row.outcome]


def settle_outcomes(session: Session, campaign_ids: Sequence[int]) -> None:
    """Store the outcome that the recipients of these campaigns say now."""
    session.execute(
        update(Campaign).where(Campaign.id.in_(campaign_ids)).values(outcome=_outcome()),
        execution_options=NO_SYNC | {"probes": True},
    )


def _outcome() -> ColumnElement[Any]:
    """`sent` if all eligible recipients were accepted and none failed, is held or is unsure; `failed` if none got through.

    An unsure message may have arrived, so a campaign of unsure messages is not `failed`: that would invite an operator to send
    it again. Meta may hold a message and never report on it, so a held one does not keep an ended campaign in `sending`.
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
    probe = Probe().where(Recipient.campaign_id == Campaign.id, condition).correlate(Campaign)
    return probe.where(Recipient.status == status) if status else probe
