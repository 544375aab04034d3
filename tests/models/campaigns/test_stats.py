"""The numbers of a campaign."""

from collections import Counter

import pytest
from sqlalchemy.orm import Session

from models.billing.campaign_cost import NOTHING_KNOWN, cost_figures
from models.campaigns.export import COLUMNS, export_rows
from models.campaigns.stats import campaign_stats, count_recipients, stats_of
from models.sending.cohorts import cohorts_of
from models.tables.campaign import Campaign, CampaignNotFoundError, CampaignStatus, PauseReason
from models.tables.cohort import Cohort
from models.tables.recipient import NotSent
from tests.support.exported import State, row_of
from tests.support.factories.campaigns import make_campaign, make_lane, make_number, make_template
from tests.support.factories.common import NOW


def test_statistics_have_exactly_the_public_keys_and_add_up(session: Session, paused_campaign: Campaign) -> None:
    row_of(session, paused_campaign, State.QUEUED)
    row_of(session, paused_campaign, State.SENDING, lane_id=make_lane(session).id)
    row_of(session, paused_campaign, State.UNSURE)
    row_of(session, paused_campaign, State.HELD)
    row_of(session, paused_campaign, State.HELD, "sent")
    row_of(session, paused_campaign, State.HELD, "failed")
    row_of(session, paused_campaign, State.REFUSED, "failed")
    row_of(session, paused_campaign, State.ACCEPTED)
    row_of(session, paused_campaign, State.ACCEPTED, "delivered", "replied")
    row_of(session, paused_campaign, State.ACCEPTED, "read")
    row_of(session, paused_campaign, State.ACCEPTED, "failed")
    row_of(session, paused_campaign, State.ACCEPTED, "delivered", "failed")
    row_of(session, paused_campaign, State.NOT_SENT, reason=NotSent.OPEN_CASE)
    row_of(session, paused_campaign, State.NOT_SENT, reason=NotSent.NOT_SUBSCRIBED)
    row_of(session, paused_campaign, State.NOT_SENT, reason=NotSent.NOT_SUBSCRIBED)
    stats = campaign_stats(session, paused_campaign.id)
    figures = {key: stats[key] for key in count_recipients([])}
    bought = {"converted": 0, "converted_pct": 0.0, "revenue": []}
    assert stats.pop("languages") == [{"language": "en", "pause_reason": None} | figures | bought]
    assert stats == {
        "id": paused_campaign.id,
        "name": "Spring",
        "kind": "real",
        "type": "promotional",
        "status": "paused",
        "outcome": None,
        "pause_reason": "failure_rate",
        "candidates": 15,
        "eligible": 12,
        "not_sent": {"not_subscribed": 2, "open_case": 1},
        "queued": 1,
        "sending": 1,
        "unsure": 1,
        "held": 1,
        "refused": 1,
        "sent": 7,
        "delivered": 3,
        "read": 1,
        "failed": 3,
        "replied": 1,
        "received_pct": 42.9,
        "read_pct": 33.3,
        "replied_pct": 33.3,
        "clicked": 0,
        "clicked_pct": 0.0,
        "opted_out": 0,
        "opted_out_pct": 0.0,
        "opted_out_by": {},
        "buttons": [],
        "steps": {},
        "retried": 0,
        **cost_figures(NOTHING_KNOWN, stats),
        **bought,
    }
    assert stats["candidates"] == stats["eligible"] + sum(stats["not_sent"].values())
    on_the_way = sum(stats[key] for key in ("queued", "sending", "unsure", "held"))
    assert stats["eligible"] == on_the_way + stats["sent"] + stats["refused"]
    under_way = 2  # accepted, and nothing heard of since
    assert stats["sent"] == stats["delivered"] + stats["failed"] - stats["refused"] + under_way


def test_a_campaign_without_rows_has_zeros_and_one_that_is_not_there_is_not_found(
    session: Session, paused_campaign: Campaign
) -> None:
    stats = campaign_stats(session, paused_campaign.id)
    assert (stats["candidates"], stats["not_sent"], stats["received_pct"]) == (0, {}, 0.0)
    with pytest.raises(CampaignNotFoundError, match="campaign 99: there is no such campaign"):
        campaign_stats(session, 99)
    other = make_campaign(session)
    assert list(stats_of(session, [other.id, 99, paused_campaign.id])) == [other.id, paused_campaign.id]


def test_figures_by_language_are_sums_over_its_cohorts(session: Session) -> None:
    number = make_number(session)
    english = make_template(session, number, name="several")
    for code in ("es", "pt_BR"):
        make_template(session, number, name="several", language=code)
    campaign = make_campaign(
        session, number, english, status=CampaignStatus.ACTIVE, languages=["en", "es", "pt_BR"], launched_at=NOW
    )
    en, es, _ = cohorts_of(session, campaign.id)
    more = Cohort(campaign_id=campaign.id, position=3, template_id=es.template_id, created_at=NOW)
    session.add(more)
    es.pause_reason, es.paused_at = PauseReason.TEMPLATE_PAUSED, NOW
    session.flush()
    row_of(session, campaign, State.ACCEPTED, "delivered", "replied", cohort_id=en.id)
    row_of(session, campaign, State.NOT_SENT, reason=NotSent.OPEN_CASE, cohort_id=en.id)
    row_of(session, campaign, State.QUEUED, cohort_id=es.id)
    row_of(session, campaign, State.ACCEPTED, "read", cohort_id=more.id)
    row_of(session, campaign, State.NOT_SENT, reason=NotSent.NO_LANGUAGE, cohort_id=None)
    stats = campaign_stats(session, campaign.id)
    found = {it.pop("language"): it for it in stats["languages"]}
    assert list(found) == ["en", "es", "pt_BR"]
    assert {code: it["pause_reason"] for code, it in found.items()} == {
        "en": None, "es": "template_paused", "pt_BR": None,
    }  # fmt: skip
    assert (found["en"]["candidates"], found["en"]["eligible"], found["en"]["not_sent"]) == (2, 1, {"open_case": 1})
    assert (found["es"]["queued"], found["es"]["read"], found["es"]["received_pct"]) == (1, 1, 100.0)
    assert found["pt_BR"]["candidates"] == 0
    for key in ("eligible", "queued", "sent", "delivered", "read", "failed", "replied"):
        assert stats[key] == sum(it[key] for it in found.values()), key
    assert stats["candidates"] == sum(it["candidates"] for it in found.values()) + stats["not_sent"]["no_language"]
    rows = [dict(zip(COLUMNS, row.cells, strict=True)) for row in export_rows(session, campaign.id)]
    assert Counter(row["language"] for row in rows) == {"en": 2, "es": 2, None: 1}


def test_people_of_before_cohorts_were_stored_count_for_the_campaigns_language(
    session: Session, paused_campaign: Campaign
) -> None:
    row_of(session, paused_campaign, State.ACCEPTED, "delivered", cohort_id=None)
    (language,) = campaign_stats(session, paused_campaign.id)["languages"]
    assert (language["language"], language["delivered"]) == ("en", 1)
    assert [row.cells[COLUMNS.index("language")] for row in export_rows(session, paused_campaign.id)] == ["en"]
