"""What is usual is learnt from the campaigns that ended, and follows from their counts alone."""

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.signals.judge import Threshold
from models.signals.learn import MAX_CAMPAIGNS, MIN_CAMPAIGNS, learn, learnt_threshold
from models.signals.read import read_thresholds
from models.signals.rules import RULES
from models.tables.campaign import Campaign, CampaignKind, CampaignStatus, CampaignType
from models.tables.signal import SignalKind, SignalThreshold
from tests.support.factories.common import NOW
from tests.support.signal_rows import ended_count

K = SignalKind
OPT_OUTS, DELIVERY = RULES[K.OPT_OUTS], RULES[K.LOW_DELIVERY]


def test_a_threshold_lies_outside_of_what_is_usual() -> None:
    shares = [0.004, 0.005, 0.006, 0.005, 0.004, 0.006, 0.005, 0.007]
    learnt = learnt_threshold(OPT_OUTS, shares)
    assert learnt is not None
    assert learnt.share > max(shares)
    assert (learnt.median, learnt.campaigns) == (0.005, 8)
    below = learnt_threshold(DELIVERY, [0.95, 0.94, 0.96, 0.93, 0.95, 0.97, 0.94, 0.95])
    assert below is not None
    assert below.share < 0.93


def test_one_odd_campaign_changes_little() -> None:
    usual = [0.004, 0.005, 0.006, 0.005, 0.004, 0.006, 0.005, 0.007, 0.005, 0.006]
    without, odd = learnt_threshold(OPT_OUTS, usual), learnt_threshold(OPT_OUTS, [*usual, 0.9])
    assert without is not None
    assert odd is not None
    assert odd.share == pytest.approx(without.share, rel=0.25)


def test_an_installation_in_which_everything_is_bad_does_not_learn_that_it_is_good() -> None:
    learnt = learnt_threshold(OPT_OUTS, [0.4] * 10)
    assert learnt == Threshold(OPT_OUTS.highest, 0.4, 10)
    assert learnt_threshold(DELIVERY, [0.1] * 10) == Threshold(DELIVERY.lowest, 0.1, 10)


def test_too_few_campaigns_teach_nothing_and_some_rules_learn_never() -> None:
    assert learnt_threshold(OPT_OUTS, [0.01] * (MIN_CAMPAIGNS - 1)) is None
    assert learnt_threshold(RULES[K.BALANCE], [0.01] * 20) is None


def test_thresholds_are_learnt_by_type_from_ended_campaigns_with_enough_people(session: Session) -> None:
    counts = [ended_count(session, {K.OPT_OUTS: (5 + place % 3, 1000), K.LOW_READ: (30, 40)}) for place in range(9)]
    assert learn(session, NOW) == 1, "those who read were too few"
    expected = learnt_threshold(OPT_OUTS, [(5 + place % 3) / 1000 for place in range(9)])
    assert read_thresholds(session) == {(CampaignType.PROMOTIONAL, K.OPT_OUTS): expected}
    assert learn(session, NOW) == 0, "counted again it is the same"
    for values in ({"status": CampaignStatus.ACTIVE}, {"kind": CampaignKind.TEST}):
        ids = [counts[0].campaign_id, counts[1].campaign_id]
        session.execute(update(Campaign).where(Campaign.id.in_(ids)).values(**values))
        assert learn(session, NOW) == 1
        assert session.scalars(select(SignalThreshold)).all() == [], "seven campaigns are too few"
        session.execute(
            update(Campaign).where(Campaign.id.in_(ids)).values(status=CampaignStatus.ENDED, kind=CampaignKind.REAL)
        )
        assert learn(session, NOW) == 1


@pytest.mark.sqlite_unless_proved
def test_only_the_newest_campaigns_say_what_is_usual(session: Session) -> None:
    for place in range(MAX_CAMPAIGNS + 8):
        ended_count(session, {K.OPT_OUTS: (40 if place < 8 else 5, 1000)})
    learn(session, NOW)
    ((_, threshold),) = read_thresholds(session).items()
    assert (threshold.median, threshold.campaigns) == (0.005, MAX_CAMPAIGNS)
