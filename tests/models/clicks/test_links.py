"""Making the links of a campaign at its start."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.clicks.links import links_of, make_links
from models.sending.cohorts import make_cohorts
from models.tables.campaign import CampaignStatus
from models.tables.tracked_link import TrackedLink
from models.templates.tracked_links import LinkPlace
from tests.support.factories.campaigns import make_campaign
from tests.support.factories.common import NOW

URL = "https://shop.example.com/spring"
BUTTON = LinkPlace("variables: buttons 0", URL)


def test_a_campaign_that_starts_has_its_links_once(session: Session) -> None:
    variables = {"body": {"1": {"source": "name"}}, "buttons": {"0": {"source": "link", "url": f" {URL} "}}}
    cards = [{"variables": {"buttons": {"1": {"source": "link", "url": URL}}}}]
    campaign = make_campaign(session, status=CampaignStatus.ACTIVE, variables=variables, content={"cards": cards})
    links = links_of(session, campaign.id)
    assert set(links) == {BUTTON, LinkPlace("cards.0.variables: buttons 1", URL)}
    assert len({signer.key for signer in links.values()}) == 2
    make_cohorts(session, campaign, NOW)
    make_links(session, campaign.id, [BUTTON, BUTTON, LinkPlace("flow: f", URL)], NOW)
    again = links_of(session, campaign.id)
    assert {place: again[place] for place in links} == links
    assert len(again) == 3
    assert links_of(session, make_campaign(session, status=CampaignStatus.ACTIVE).id) == {}


def test_what_is_no_address_makes_no_link(session: Session) -> None:
    variables = {"buttons": {"0": {"source": "link", "url": "http://[::1"}, "1": {"source": "link"}}}
    make_campaign(session, status=CampaignStatus.ACTIVE, variables=variables)
    assert session.scalars(select(TrackedLink)).all() == []
