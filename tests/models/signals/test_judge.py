"""The table of signals: every row is whole, and a share is worth a signal only if it is certain enough."""

from string import Formatter

import pytest

from models.shares import share_interval
from models.signals.judge import SignalFigure, Threshold, judge_campaign
from models.signals.rules import MIN_PEOPLE, RULES, SignalAction, SignalRule, ThresholdSide
from models.tables.signal import SignalKind

K = SignalKind
VALUES = {
    "waiting": 1, "refused": 2, "missing": 3, "unclear": 4, "not_subscribed": 5, "stopped": 6, "unreachable": 7, "silent": 8,
    "template": "spring", "language": "en", "before": "GREEN", "after": "RED", "group": "the tag “vip”", "most": 8, "days": 30,
}  # fmt: skip


def figure(share: float, whole: int) -> SignalFigure:
    return SignalFigure(round(share * whole), whole, VALUES)


def beyond(rule: SignalRule) -> float:
    """A share on the side of the threshold that is worth a signal, far from it."""
    return max(0.0, rule.default - 0.25) if rule.side is ThresholdSide.BELOW else min(1.0, rule.default + 0.25)


def test_every_kind_has_a_row_in_the_order_in_which_signals_are_shown() -> None:
    assert list(RULES) == list(SignalKind)
    assert {rule.action for rule in RULES.values()} == set(SignalAction)


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.kind.value)
def test_a_row_states_its_sentence_evidence_button_and_a_default_within_its_bounds(rule: SignalRule) -> None:
    assert rule.sentence.endswith(".")
    assert rule.sentence.count(". ") == 0
    assert rule.button
    assert rule.lowest <= rule.default <= rule.highest
    assert rule.is_learnt == (rule.lowest < rule.highest)
    assert {name for _, name, _, _ in Formatter().parse(rule.evidence) if name} >= {"whole"}


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.kind.value)
def test_a_signal_appears_beyond_its_threshold_and_stays_away_before_it_and_of_few_people(rule: SignalRule) -> None:
    shown = judge_campaign({rule.kind: figure(beyond(rule), 1000)}, {})
    assert [signal.rule for signal in shown] == [rule]
    assert "{" not in f"{shown[0].sentence}{shown[0].evidence}{shown[0].comparison or ''}"
    assert "1,000" in str(shown[0].evidence)
    assert judge_campaign({rule.kind: figure(beyond(rule), MIN_PEOPLE - 1)}, {}) == []
    on_the_good_side = 0.0 if rule.side is ThresholdSide.ABOVE else 1.0
    assert judge_campaign({rule.kind: figure(on_the_good_side, 1000)}, {}) == []
    assert judge_campaign({}, {}) == []


def test_a_share_whose_interval_reaches_the_threshold_is_no_signal() -> None:
    assert judge_campaign({K.OPT_OUTS: SignalFigure(2, 60)}, {}) == [], "3.3 % of 60 people may well be 1 %"
    assert [signal.rule.kind for signal in judge_campaign({K.OPT_OUTS: SignalFigure(33, 1000)}, {})] == [K.OPT_OUTS]


def test_a_learnt_threshold_takes_the_place_of_the_default_and_is_named() -> None:
    figures = {K.OPT_OUTS: SignalFigure(33, 1000)}
    assert judge_campaign(figures, {K.OPT_OUTS: Threshold(0.05, 0.02, 12)}) == []
    (signal,) = judge_campaign(figures, {K.OPT_OUTS: Threshold(0.01, 0.004, 12)})
    assert "learnt from your last 12 campaigns of this type" in str(signal.comparison)
    (signal,) = judge_campaign(figures, {})
    assert "the default threshold of 2.0 %" in str(signal.comparison)


def test_few_readers_are_no_signal_where_the_messages_did_not_arrive() -> None:
    figures = {
        K.LOW_DELIVERY: SignalFigure(500, 1000),
        K.LOW_READ: SignalFigure(50, 500),
        K.LOW_CLICK: SignalFigure(0, 50),
    }
    assert [signal.rule.kind for signal in judge_campaign(figures, {})] == [K.LOW_DELIVERY]
    figures[K.LOW_DELIVERY] = SignalFigure(950, 1000)
    assert [signal.rule.kind for signal in judge_campaign(figures, {})] == [K.LOW_READ]


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"), [(0, 0, 0.0, 1.0), (50, 100, 0.4038, 0.5962), (0, 50, 0.0, 0.0713)]
)
def test_the_interval_is_that_of_wilson(part: int, whole: int, low: float, high: float) -> None:
    assert share_interval(part, whole) == pytest.approx((low, high), abs=0.0001)
