"""Every word of the tables has one in the panel: a page never fails over a new one."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from admin.panel import format as fmt
from admin.panel import labels as words
from models.campaigns.stats import share_text
from models.tables.campaign import TRANSITIONS, CampaignOutcome, CampaignStatus, CampaignType, PauseReason
from models.tables.contact import Consent
from models.tables.conversation import MessageState
from models.tables.recipient import NotSent

NOW = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)


def test_every_word_of_the_tables_can_be_shown() -> None:
    assert set(words.STATUS) == set(CampaignStatus)
    assert set(words.CONSENT) == set(Consent)
    assert set(words.NOT_SENT) == set(NotSent)
    assert set(words.TYPE) == set(CampaignType)
    assert set(words.PAUSE) == set(PauseReason)
    assert set(words.MESSAGE) == {state.value for state in MessageState} - {"received"}
    assert set(words.VERBS) == set(TRANSITIONS) - {"complete", "reopen"}
    for status in CampaignStatus:
        for outcome in (None, *CampaignOutcome):
            assert words.status_badge(status, outcome, None).text


def _stats(eligible: int, failed: int = 0, unsure: int = 0, released: int = 0) -> dict[str, Any]:
    return {
        "eligible": eligible,
        "failed": failed,
        "unsure": unsure,
        "held": 0,
        "not_sent": {"campaign_ended": released} if released else {},
    }


@pytest.mark.parametrize(
    ("status", "outcome", "stats", "badge"),
    [
        ("active", "partially_sent", _stats(100, failed=2), ("Active · partially sent", "good")),
        ("active", "partially_sent", _stats(100, failed=5), ("Active · partially sent", "good")),
        ("active", "partially_sent", _stats(100, failed=6), ("Active · partially sent", "warn")),
        ("active", "partially_sent", _stats(100, failed=2, unsure=9), ("Active · partially sent", "warn")),
        ("active", "failed", _stats(3, failed=3), ("Active · failed", "bad")),
        ("active", "sending", _stats(3), ("Sending", "good")),
        ("ended", "sent", _stats(100), ("Ended · sent", "good")),
        ("ended", "partially_sent", _stats(100, failed=2), ("Ended · partially sent", "good")),
        ("ended", "partially_sent", _stats(100, failed=20), ("Ended · partially sent", "warn")),
        ("ended", "failed", _stats(0), ("Ended · failed", "bad")),
        ("ended", "sent", _stats(10, released=90), ("Ended early · sent", "good")),
        ("ended", "failed", _stats(0, released=90), ("Ended early · nothing sent", "quiet")),
        ("ended", "failed", _stats(1, failed=1, released=90), ("Ended early · failed", "bad")),
        ("ended", None, _stats(0), ("Ended", "quiet")),
        ("paused", "sending", _stats(100), ("Paused", "warn")),
        ("paused", "failed", _stats(100, failed=100), ("Paused · failed", "warn")),
        ("scheduled", None, None, ("Scheduled", "plan")),
    ],
)
def test_the_badge_of_a_campaign_says_how_it_went_and_warns_only_where_many_got_nothing(
    status: str, outcome: str | None, stats: dict[str, Any] | None, badge: tuple[str, str]
) -> None:
    known = CampaignOutcome(outcome) if outcome else None
    assert words.status_badge(CampaignStatus(status), known, stats) == badge


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (61, "1 min"),
        (3600, "1 h"),
        (7900, "2 h 11 min"),
        (172_800, "2 days"),
        (216_000, "2 days 12 h"),
    ],
)
def test_a_length_of_time_is_said_in_its_largest_units(seconds: float, shown: str) -> None:
    assert fmt.span(seconds) == shown


def test_moments_are_said_in_the_business_s_own_day() -> None:
    assert ">00:30<" in fmt.when(NOW, "Europe/Madrid", NOW)
    assert ">yesterday 23:59<" in fmt.when(NOW - timedelta(minutes=31), "Europe/Madrid", NOW)
    assert ">21 Nov 12:00<" in fmt.when(datetime(2026, 11, 21, 11, tzinfo=UTC), "Europe/Madrid", NOW)
    assert ">3 Jan 2025 12:00<" in fmt.when(datetime(2025, 1, 3, 11, tzinfo=UTC), "Europe/Madrid", NOW)
    assert fmt.when(None, "UTC", NOW) == "–"


def test_a_moment_to_come_always_has_its_day_its_hour_and_its_zone() -> None:
    assert ">Mon 23 Nov 2026, 00:30 Europe/Madrid<" in fmt.full_moment(NOW, "Europe/Madrid")
    assert ">Sun 3 Jan 2027, 11:00 UTC<" in fmt.full_moment(datetime(2027, 1, 3, 11, tzinfo=UTC), "UTC")
    assert fmt.full_moment(None, "UTC") == "–"


def test_numbers_are_read_at_a_glance() -> None:
    assert fmt.number(1234567) == "1\u202f234\u202f567"
    assert fmt.percent(1, 3) == "33.3 %"
    assert fmt.percent(0, 0) == "–"
    assert (share_text(0.0, 5), share_text(0.0, 0)) == ("0.0 %", "–")
    assert (fmt.plain(20.0), fmt.plain(2.5), fmt.plain("x")) == ("20", "2.5", "x")
    assert (fmt.ago(None, NOW), fmt.ago(NOW, NOW)) == ("never", "just now")
