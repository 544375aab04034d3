"""What keeps tracked links from working blocks the campaign."""

from sqlalchemy.orm import Session

from models.campaigns.preflight import PreflightFacts, preflight
from models.tables.campaign import Campaign
from tests.support.factories.campaigns import make_campaign, make_number, make_template
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice

BASE = "https://go.example.com"
LINK = {"source": "link", "url": "https://shop.example.com/spring"}


def tracked_campaign(session: Session, url: str) -> Campaign:
    number = make_number(session)
    button = {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "Shop", "url": url}]}
    template = make_template(session, number, components=[{"type": "BODY", "text": "Hi"}, button])
    alice(session)
    return make_campaign(session, number, template, variables={"buttons": {"0": LINK}})


def test_a_base_that_is_ours_and_can_be_reached_is_clear(session: Session) -> None:
    campaign = tracked_campaign(session, f"{BASE}/l/{{{{1}}}}")
    assert preflight(session, campaign.id, NOW, PreflightFacts(link_base=BASE)).blocking == []
    assert preflight(session, campaign.id, NOW).blocking == []
    (check,) = preflight(session, campaign.id, NOW, PreflightFacts(link_base="https://new.example.com")).blocking
    assert (check.key, BASE in str(check.text), "https://new.example.com/l/" in check.remedy) == (
        "variables",
        True,
        True,
    )


def test_a_base_that_phones_cannot_reach_blocks_a_campaign_with_links_alone(session: Session) -> None:
    base = "http://127.0.0.1:8000"
    campaign = tracked_campaign(session, f"{base}/l/{{{{1}}}}")
    (check,) = preflight(session, campaign.id, NOW, PreflightFacts(link_base=base)).blocking
    assert (check.key, "LINK_URL" in check.remedy) == ("link_url", True)
    assert preflight(session, campaign.id, NOW, PreflightFacts(link_base=base, is_simulated=True)).blocking == []
    without = make_campaign(session, campaign.number)
    assert preflight(session, without.id, NOW, PreflightFacts(link_base=base)).blocking == []
