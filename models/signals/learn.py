"""Learns what is usual from the campaigns that ended, type by type, and stores it as thresholds.

Robust: quartiles, so that a few odd campaigns change little. A share is worth a signal if it lies more than one and a half times
the quartiles' distance outside of them and differs from the median by a part that matters.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from statistics import median, quantiles

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from models.db.dialect import NO_SYNC, insert_into
from models.signals.judge import SignalFigure, Threshold
from models.signals.rules import MIN_PEOPLE, RULES, SignalRule, ThresholdSide
from models.tables.campaign import Campaign, CampaignKind, CampaignStatus, CampaignType
from models.tables.signal import SignalCount, SignalKind, SignalThreshold

MIN_CAMPAIGNS = 8
"""Fewer say nothing about what is usual: the default applies."""
MAX_CAMPAIGNS = 50
"""The newest of a type; what was usual years ago is not usual now."""
FENCE = 1.5
"""How many times the distance of the quartiles a share must lie outside of them."""
MARGIN = {ThresholdSide.BELOW: 0.9, ThresholdSide.ABOVE: 1.5}
"""The threshold is at most, or at least, so many times the median: campaigns that are all alike would else raise signals by
chance."""


def learnt_threshold(rule: SignalRule, shares: Sequence[float]) -> Threshold | None:
    """The threshold from the shares (0 to 1) of past campaigns; None if they are too few or the rule learns nothing."""
    if not rule.is_learnt or len(shares) < MIN_CAMPAIGNS:
        return None
    lower, _, upper = quantiles(shares, n=4, method="inclusive")
    middle, distance = median(shares), upper - lower
    if rule.side is ThresholdSide.BELOW:
        share = min(lower - FENCE * distance, MARGIN[ThresholdSide.BELOW] * middle)
    else:
        share = max(upper + FENCE * distance, MARGIN[ThresholdSide.ABOVE] * middle)
    return Threshold(min(max(share, rule.lowest), rule.highest), middle, len(shares))


def shares_of(session: Session, kind: CampaignType) -> Mapping[SignalKind, list[float]]:
    """The shares of the newest ended campaigns of this type, by kind of signal; those of too few people left out."""
    query = (
        select(SignalCount.figures)
        .join(Campaign, Campaign.id == SignalCount.campaign_id)
        .where(
            SignalCount.type == kind,
            Campaign.kind == CampaignKind.REAL,
            Campaign.status == CampaignStatus.ENDED,
            Campaign.deleted_at.is_(None),
        )
        .order_by(Campaign.id.desc())
        .limit(MAX_CAMPAIGNS)
    )
    shares: dict[SignalKind, list[float]] = {signal: [] for signal in RULES}
    for figures in session.scalars(query):
        for signal, stored in figures.items():
            figure = SignalFigure.of(stored)
            if signal in shares and figure.whole >= MIN_PEOPLE:
                shares[SignalKind(signal)].append(figure.share)
    return shares


def learn(session: Session, now: datetime) -> int:
    """Learn all thresholds again from the stored counts; returns how many rows changed. Does not commit.

    The rows follow from the counts alone, so two that learn at once, or one that dies, leave the same behind.
    """
    stored = {(row.type, row.kind): row for row in session.scalars(select(SignalThreshold))}
    changed = 0
    for kind in CampaignType:
        for signal, shares in shares_of(session, kind).items():
            threshold, row = learnt_threshold(RULES[signal], shares), stored.get((kind, signal))
            known = None if row is None else Threshold(row.share, row.median, row.campaigns)
            if threshold == known:
                continue
            changed += 1
            if threshold is None:
                this = (SignalThreshold.type == kind, SignalThreshold.kind == signal)
                session.execute(delete(SignalThreshold).where(*this), execution_options=NO_SYNC)
            else:
                _store(session, kind, signal, threshold, now)
    return changed


def _store(session: Session, kind: CampaignType, signal: SignalKind, threshold: Threshold, now: datetime) -> None:
    values = {
        "share": threshold.share,
        "median": threshold.median,
        "campaigns": threshold.campaigns,
        "learnt_at": now,
    }
    statement = insert_into(session, SignalThreshold).values(type=kind, kind=signal, **values)
    session.execute(statement.on_conflict_do_update(index_elements=["type", "kind"], set_=values))
