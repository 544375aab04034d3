"""Returns the signals of campaigns, and the table of rules with what was learnt, for the panel and the command line."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.operations.signals.links import NEEDS, action_path
from jobs.core.runtime import Runtime
from models.campaigns.export import moment
from models.signals.judge import Signal, Threshold
from models.signals.read import read_signals, read_thresholds
from models.signals.rules import RULES, SignalRule
from models.tables.campaign import Campaign, CampaignKind, CampaignType, get_campaign
from models.tables.user import Role

RECENT = timedelta(days=14)
MAX_RECENT = 10
"""Of so many of the newest campaigns the start page shows signals."""


@dataclass(frozen=True, slots=True)
class ShownSignal:
    """A signal with its link; `path` leads to a page that whoever has the role `needs` may open."""

    signal: Signal
    path: str
    needs: Role


@dataclass(frozen=True, slots=True)
class SignalReport:
    """The signals of a campaign as of `counted_at`; None if it was not counted yet."""

    campaign_id: int
    name: str
    counted_at: datetime | None
    signals: Sequence[ShownSignal]

    def to_json(self, address: str) -> dict[str, Any]:
        """The public form; links begin with the panel's address."""
        return {
            "id": self.campaign_id,
            "counted_at": moment(self.counted_at),
            "signals": [_signal_json(shown, address) for shown in self.signals],
        }


@dataclass(frozen=True, slots=True)
class RuleInForce:
    """A rule with its threshold for one type of campaign."""

    rule: SignalRule
    type: CampaignType
    threshold: Threshold


def signal_report(session: Session, campaign: Campaign) -> SignalReport:
    """The signals of one campaign."""
    return _reports(session, [campaign])[0]


def campaign_report(rt: Runtime, campaign_id: int) -> SignalReport:
    """The signals of one campaign. Raises CampaignNotFoundError if there is none of this id."""
    with rt.database.read() as session:
        return signal_report(session, get_campaign(session, campaign_id))


def recent_reports(session: Session, now: datetime) -> list[SignalReport]:
    """The campaigns of the last days that have signals, the newest first."""
    query = (
        select(Campaign)
        .where(Campaign.kind == CampaignKind.REAL, Campaign.deleted_at.is_(None), Campaign.started_at >= now - RECENT)
        .order_by(Campaign.started_at.desc())
        .limit(MAX_RECENT)
    )
    return [report for report in _reports(session, list(session.scalars(query))) if report.signals]


def rules_in_force(session: Session) -> list[tuple[SignalRule, list[RuleInForce]]]:
    """Every rule with its threshold for each type of campaign, learnt or the default."""
    learnt = read_thresholds(session)
    return [
        (
            rule,
            [RuleInForce(rule, each, learnt.get((each, kind), Threshold(rule.default))) for each in CampaignType],
        )
        for kind, rule in RULES.items()
    ]


def _reports(session: Session, campaigns: Sequence[Campaign]) -> list[SignalReport]:
    read = read_signals(session, [campaign.id for campaign in campaigns])
    reports = []
    for campaign in campaigns:
        found = read.get(campaign.id)
        shown = [
            ShownSignal(
                signal, action_path(session, signal.rule.action, campaign), NEEDS.get(signal.rule.action, Role.VIEWER)
            )
            for signal in (found.signals if found else ())
        ]
        reports.append(SignalReport(campaign.id, campaign.name, found.counted_at if found else None, shown))
    return reports


def _signal_json(shown: ShownSignal, address: str) -> dict[str, Any]:
    signal = shown.signal
    interval, comparison = signal.figure.interval, signal.comparison
    return {
        "kind": signal.rule.kind.value,
        "sentence": signal.sentence.translated(),
        "evidence": signal.evidence.translated(),
        "comparison": comparison.translated() if comparison else None,
        "part": signal.figure.part,
        "whole": signal.figure.whole,
        "interval": [round(interval.low, 4), round(interval.high, 4)],
        "threshold": round(signal.threshold.share, 4),
        "learnt_from": signal.threshold.campaigns,
        "button": signal.rule.button,
        "link": f"{address}{shown.path}",
    }
