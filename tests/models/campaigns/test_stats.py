"""The numbers of a campaign."""

import pytest
from sqlalchemy.orm import Session

from models.campaigns.stats import campaign_stats, stats_of
from models.tables.campaign import Campaign, CampaignNotFoundError
from models.tables.recipient import NotSent
from tests.support.exported import State, row_of
from tests.support.factories.campaigns import make_campaign, make_lane


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
        "buttons": [],
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
