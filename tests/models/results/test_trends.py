"""Rates across campaigns, like compared to like."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from models.results.intervals import Verdict
from models.results.trends import Dimension, Measure, TrendFilter, TrendRow, Trends, read_trends
from models.tables.campaign import Campaign, CampaignKind, CampaignStatus, CampaignType
from models.tables.result import ResultHour
from tests.support.factories.campaigns import make_campaign, make_number, make_template
from tests.support.factories.common import NOW

MADRID = ZoneInfo("Europe/Madrid")
SINCE = NOW - timedelta(days=30)


def _sums(session: Session, campaign: Campaign, days: float, sent: int, read: int, language: str = "en") -> None:
    hour = (NOW - timedelta(days=days)).replace(minute=0)
    sums = {"sent": sent, "delivered": sent, "read": read, "clicked": 0, "replied": 0, "opted_out": 1}
    session.add(ResultHour(campaign_id=campaign.id, language=language, hour=hour, **sums))


@pytest.fixture
def two_numbers(session: Session) -> list[int]:
    """Promotional campaigns of two numbers, one of another type, one test and one that was deleted; the numbers' ids."""
    north, south = make_number(session, name="North"), make_number(session, name="South")
    promo: dict[str, Any] = {"status": CampaignStatus.ENDED, "type": CampaignType.PROMOTIONAL}
    spring = make_campaign(
        session, north, make_template(session, north, name="spring"),
        audience={"include": [{"segment": "vip"}, {"segment": "new"}, {"tag": "x"}]}, **promo,
    )  # fmt: skip
    autumn = make_campaign(session, south, make_template(session, south, name="autumn"), **promo)
    other = make_campaign(session, south, status=CampaignStatus.ENDED, type=CampaignType.INFORMATIONAL)
    test = make_campaign(session, north, kind=CampaignKind.TEST, **promo)
    gone = make_campaign(session, north, deleted_at=NOW, **promo)
    _sums(session, spring, 9, 100, 70)
    _sums(session, spring, 2, 40, 30, "es")
    _sums(session, spring, 0.5, 900, 0)
    _sums(session, autumn, 2, 100, 20)
    _sums(session, autumn, 31, 500, 0)
    _sums(session, other, 3, 60, 60)
    for campaign in (test, gone):
        _sums(session, campaign, 2, 10_000, 0)
    session.flush()
    return [north.id, south.id]


def _labels(rows: tuple[TrendRow, ...]) -> list[tuple[str, int, float]]:
    return [(row.label, row.people["sent"], row.rate(Measure.READ).pct) for row in rows]


def _read(session: Session, **chosen: Any) -> Trends:
    return read_trends(session, TrendFilter(SINCE, NOW, **chosen), NOW, MADRID)


def test_only_the_settled_messages_of_one_type_are_compared(session: Session, two_numbers: list[int]) -> None:
    trends = _read(session)
    assert trends.type is CampaignType.PROMOTIONAL
    assert (trends.whole.people["sent"], trends.whole.people["read"], len(trends.whole.campaigns)) == (240, 120, 2)
    assert _labels(trends.weeks) == [("2026-11-09", 100, 70.0), ("2026-11-16", 140, 35.7)]
    assert _labels(trends.by_type) == [("informational", 60, 100.0), ("promotional", 240, 50.0)]
    assert _labels(trends.by[Dimension.NUMBER]) == [("North", 140, 71.4), ("South", 100, 20.0)]
    assert _labels(trends.by[Dimension.TEMPLATE]) == [("autumn", 100, 20.0), ("spring", 140, 71.4)]
    assert _labels(trends.by[Dimension.LANGUAGE]) == [("en", 200, 45.0), ("es", 40, 75.0)]
    assert _labels(trends.by[Dimension.SEGMENT]) == [("new", 140, 71.4), ("vip", 140, 71.4), ("–", 100, 20.0)]
    assert _labels(trends.by[Dimension.WEEKDAY]) == [("Friday", 240, 50.0)]
    assert _labels(trends.by[Dimension.HOUR]) == [("11:00", 240, 50.0)]


@pytest.mark.sqlite_unless_proved
def test_a_row_is_compared_with_all_the_others(session: Session, two_numbers: list[int]) -> None:
    trends = _read(session)
    north, south = trends.by[Dimension.NUMBER]
    assert trends.verdict(north, Measure.READ) is Verdict.HIGHER
    assert trends.verdict(south, Measure.READ) is Verdict.LOWER
    assert trends.verdict(south, Measure.OPTED_OUT) is Verdict.NO_DIFFERENCE
    assert trends.verdict(trends.by[Dimension.LANGUAGE][1], Measure.READ) is Verdict.TOO_FEW


@pytest.mark.sqlite_unless_proved
def test_trends_can_be_of_another_type_or_of_one_number(session: Session, two_numbers: list[int]) -> None:
    assert _labels(_read(session, type=CampaignType.INFORMATIONAL).weeks) == [("2026-11-16", 60, 100.0)]
    assert _read(session, type=CampaignType.CATALOG).weeks == ()
    assert _read(session, number_id=two_numbers[0]).whole.people["sent"] == 140
    assert _read(session, number_id=0).type is None
