"""Every word of the tables has one in the panel: a page never fails over a new one."""

from datetime import UTC, datetime, timedelta

import pytest

from admin.panel import format as fmt
from admin.panel import labels as words
from models.tables.campaign import TRANSITIONS, CampaignOutcome, CampaignStatus, PauseReason
from models.tables.contact import Consent
from models.tables.conversation import MessageState
from models.tables.recipient import NotSent

NOW = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)


def test_every_word_of_the_tables_can_be_shown() -> None:
    assert set(words.STATUS) == set(CampaignStatus)
    assert set(words.CONSENT) == set(Consent)
    assert set(words.NOT_SENT) == set(NotSent)
    assert set(words.PAUSE) == set(PauseReason)
    assert set(words.MESSAGE) == {state.value for state in MessageState} - {"received"}
    assert set(words.VERBS) == set(TRANSITIONS) - {"complete", "reopen"}
    for status in CampaignStatus:
        for outcome in (None, *CampaignOutcome):
            assert words.status_badge(status, outcome).text


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0 s"), (59, "59 s"), (61, "1 min"), (3600, "1 h"), (7900, "2 h 11 min"), (172_800, "2 days")],
)
def test_a_length_of_time_is_said_in_its_largest_units(seconds: float, shown: str) -> None:
    assert fmt.span(seconds) == shown


def test_moments_are_said_in_the_business_s_own_day() -> None:
    assert ">00:30<" in fmt.when(NOW, "Europe/Madrid", NOW)
    assert ">yesterday 23:59<" in fmt.when(NOW - timedelta(minutes=31), "Europe/Madrid", NOW)
    assert ">21 Nov 12:00<" in fmt.when(datetime(2026, 11, 21, 11, tzinfo=UTC), "Europe/Madrid", NOW)
    assert ">3 Jan 2025<" in fmt.when(datetime(2025, 1, 3, 11, tzinfo=UTC), "Europe/Madrid", NOW)
    assert fmt.when(None, "UTC", NOW) == "–"


def test_numbers_are_read_at_a_glance() -> None:
    assert fmt.number(1234567) == "1\u202f234\u202f567"
    assert fmt.percent(1, 3) == "33.3 %"
    assert fmt.percent(0, 0) == "–"
    assert (fmt.plain(20.0), fmt.plain(2.5), fmt.plain("x")) == ("20", "2.5", "x")
    assert (fmt.ago(None, NOW), fmt.ago(NOW, NOW)) == ("never", "just now")
