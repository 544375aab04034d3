"""Links live as long as the results of their campaign."""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.clicks.retention import META_CLICKS_FOR, purge_meta_clicks, purge_tracked_links
from models.privacy.retention import purge_deleted_campaigns
from models.tables.campaign import CampaignStatus
from models.tables.click import Click, MetaClick
from models.tables.setting import write_setting
from models.tables.tracked_link import TrackedLink
from tests.support.factories.campaigns import make_campaign, make_number, make_recipient
from tests.support.factories.clicks import make_click, make_link
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice


def test_clicks_go_with_their_people_and_links_after_them(session: Session) -> None:
    write_setting(session, "keep_messages_days", "90", NOW)
    campaign = make_campaign(session, status=CampaignStatus.ENDED)
    link = make_link(session, campaign)
    make_click(session, link, make_recipient(session, campaign, alice(session)))
    campaign.deleted_at = NOW
    session.flush()
    while_kept, after = NOW + timedelta(days=89), NOW + timedelta(days=91)
    assert (purge_deleted_campaigns(session, while_kept), purge_tracked_links(session, while_kept)) == (0, 0)
    assert purge_tracked_links(session, after) == 0
    assert (purge_deleted_campaigns(session, after), purge_tracked_links(session, after)) == (1, 1)
    assert [session.scalar(select(func.count()).select_from(table)) for table in (Click, TrackedLink)] == [0, 0]
    assert purge_tracked_links(session, after) == 0
    assert make_link(session, make_campaign(session)).id > link.id


def test_what_meta_reported_is_deleted_after_its_time(session: Session) -> None:
    number = make_number(session)
    for key, at in (("old", NOW - META_CLICKS_FOR - timedelta(seconds=1)), ("new", NOW - META_CLICKS_FOR)):
        session.add(MetaClick(key=key, number_id=number.id, action_type="marketing_messages_link_click", at=at))
    session.flush()
    assert purge_meta_clicks(session, NOW) == 1
    assert list(session.scalars(select(MetaClick.key))) == ["new"]
