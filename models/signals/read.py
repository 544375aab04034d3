"""Reads what was counted and learnt, and judges it: one query for any number of campaigns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.signals.judge import Signal, SignalFigure, Threshold, judge_campaign
from models.tables.campaign import CampaignType
from models.tables.signal import SignalCount, SignalKind, SignalThreshold


@dataclass(frozen=True, slots=True)
class CampaignSignals:
    """The signals of a campaign, as of `counted_at`."""

    campaign_id: int
    type: CampaignType | None
    counted_at: datetime
    signals: Sequence[Signal]


def read_signals(session: Session, campaign_ids: Sequence[int]) -> dict[int, CampaignSignals]:
    """The signals by campaign. A campaign that was not counted yet is absent."""
    if not campaign_ids:
        return {}
    query = (
        select(SignalCount, SignalThreshold)
        .outerjoin(SignalThreshold, SignalThreshold.type == SignalCount.type)
        .where(SignalCount.campaign_id.in_(campaign_ids))
    )
    counts: dict[int, SignalCount] = {}
    thresholds: dict[int, dict[SignalKind, Threshold]] = {}
    for count, learnt in session.execute(query):
        counts[count.campaign_id] = count
        by_kind = thresholds.setdefault(count.campaign_id, {})
        if learnt is not None:
            by_kind[learnt.kind] = Threshold(learnt.share, learnt.median, learnt.campaigns)
    return {
        key: CampaignSignals(
            key, count.type, count.counted_at, judge_campaign(figures_of(count.figures), thresholds[key])
        )
        for key, count in counts.items()
    }


def read_thresholds(session: Session) -> dict[tuple[CampaignType, SignalKind], Threshold]:
    """Every learnt threshold, by type of campaign and kind of signal."""
    return {
        (row.type, row.kind): Threshold(row.share, row.median, row.campaigns)
        for row in session.scalars(select(SignalThreshold))
    }


def figures_of(stored: Mapping[str, Any]) -> dict[SignalKind, SignalFigure]:
    """The figures that a row keeps. A kind that a later version wrote is left out."""
    known = set(SignalKind)
    return {SignalKind(kind): SignalFigure.of(figure) for kind, figure in stored.items() if kind in known}
