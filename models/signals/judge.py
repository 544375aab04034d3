"""Judges a campaign's figures by the table of signals. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from models.shares import ShareInterval, share_interval
from models.signals.rules import MIN_PEOPLE, RULES, SignalRule, ThresholdSide
from models.tables.signal import SignalKind
from models.text import Text


@dataclass(frozen=True, slots=True)
class SignalFigure:
    """How many of whom. `values` are what else the evidence says."""

    part: int
    whole: int
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """From 0 to 1; 0 of nobody."""
        return min(1.0, self.part / self.whole) if self.whole > 0 else 0.0

    @property
    def interval(self) -> ShareInterval:
        """In which the share probably lies."""
        return share_interval(self.part, self.whole)

    def to_json(self) -> dict[str, Any]:
        """What a row keeps."""
        return {"part": self.part, "whole": self.whole, "values": dict(self.values)}

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "SignalFigure":
        """Read what a row keeps."""
        return cls(int(stored["part"]), int(stored["whole"]), stored.get("values") or {})


@dataclass(frozen=True, slots=True)
class Threshold:
    """The share from which a signal is shown, 0 to 1. `campaigns`: how many it was learnt from, 0: the default of the table."""

    share: float
    median: float | None = None
    campaigns: int = 0


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal that is shown."""

    rule: SignalRule
    figure: SignalFigure
    threshold: Threshold

    @property
    def sentence(self) -> Text:
        """What the pattern probably means."""
        return Text(self.rule.sentence)

    @property
    def evidence(self) -> Text:
        """The figures."""
        figure, interval = self.figure, self.figure.interval
        values = dict(figure.values) | {
            "part": f"{figure.part:,}",
            "whole": f"{figure.whole:,}",
            "share": percent(figure.share),
            "low": percent(interval.low),
            "high": percent(interval.high),
            "threshold": percent(self.threshold.share),
        }
        return Text(self.rule.evidence, values)

    @property
    def comparison(self) -> Text | None:
        """With what the share is compared; None for a rule that compares with nothing."""
        if not self.rule.is_learnt:
            return None
        interval = self.figure.interval
        values: dict[str, object] = {
            "low": percent(interval.low),
            "high": percent(interval.high),
            "side": self.rule.side.value,
            "threshold": percent(self.threshold.share),
        }
        if self.threshold.median is None:
            return Text(
                "Probably {low} to {high}, {side} the default threshold of {threshold}: too few campaigns of this type have ended"
                " to learn from.",
                values,
            )
        values |= {"median": percent(self.threshold.median), "campaigns": self.threshold.campaigns}
        return Text(
            "Probably {low} to {high}, {side} the threshold of {threshold} learnt from your last {campaigns} campaigns of this"
            " type, whose median is {median}.",
            values,
        )


def judge_campaign(
    figures: Mapping[SignalKind, SignalFigure], thresholds: Mapping[SignalKind, Threshold]
) -> list[Signal]:
    """The signals that these figures show, in the order of the table. A kind without a learnt threshold has its default."""
    shown = {}
    for kind, rule in RULES.items():
        figure = figures.get(kind)
        threshold = thresholds.get(kind) or Threshold(rule.default)
        if figure is not None and is_beyond(rule, figure, threshold):
            shown[kind] = Signal(rule, figure, threshold)
    return [signal for kind, signal in shown.items() if not any(other in shown for other in RULES[kind].needs_good)]


def is_beyond(rule: SignalRule, figure: SignalFigure, threshold: Threshold) -> bool:
    """Whether the share is beyond the threshold with its whole interval, and of enough people."""
    if figure.whole < MIN_PEOPLE or (rule.side is ThresholdSide.ABOVE and figure.part <= 0):
        return False
    if rule.side is ThresholdSide.BELOW:
        return figure.interval.high < threshold.share
    return figure.interval.low > threshold.share


def percent(share: float) -> str:
    """A share of 0 to 1 for people: `4.2 %`."""
    return f"{100 * share:.1f} %"
