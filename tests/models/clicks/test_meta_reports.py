"""Link clicks that Meta reports stand beside ours."""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.clicks.meta_reports import (
    LINK_CLICK,
    REPORTED_FOR,
    MetaClicks,
    ReportedClick,
    meta_clicks,
    store_reported_clicks,
)
from models.tables.campaign import CampaignStatus
from models.tables.click import MetaClick
from models.tables.recipient import RecipientState, SendEndpoint
from tests.support.factories.campaigns import make_campaign, make_number, make_recipient
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice


def test_a_campaign_by_the_marketing_api_has_the_clicks_of_its_number_in_its_time(session: Session) -> None:
    number = make_number(session)
    campaign = make_campaign(session, number, status=CampaignStatus.ACTIVE, last_sent_at=NOW + timedelta(hours=1))
    recipient = make_recipient(session, campaign, alice(session), state=RecipientState.ACCEPTED, due_at=None)
    end = NOW + timedelta(hours=1) + REPORTED_FOR
    reported = [
        ReportedClick(number.phone_number_id, key, action, at)
        for key, action, at in (
            ("1", LINK_CLICK, NOW),
            ("2", LINK_CLICK, end),
            ("3", LINK_CLICK, NOW - timedelta(seconds=1)),
            ("4", LINK_CLICK, end + timedelta(seconds=1)),
            ("5", "landing_page_view", NOW),
        )
    ]
    for _ in range(2):
        store_reported_clicks(session, [*reported, ReportedClick("another", "6", LINK_CLICK, NOW)])
    assert session.scalar(select(func.count()).select_from(MetaClick)) == 5
    assert meta_clicks(session, campaign) is None
    recipient.endpoint = SendEndpoint.MARKETING
    session.flush()
    assert meta_clicks(session, campaign) == MetaClicks(clicks=2, other_campaigns=0)
    make_campaign(session, number, status=CampaignStatus.ENDED, now=NOW - timedelta(days=7))
    make_campaign(session, number, status=CampaignStatus.ENDED, now=NOW - timedelta(days=8))
    assert meta_clicks(session, campaign) == MetaClicks(clicks=2, other_campaigns=1)
    assert meta_clicks(session, make_campaign(session, number)) is None
