"""A template whose tracked button opens another address cannot take the place of one."""

from typing import Any

from sqlalchemy.orm import Session

from models.campaigns.replacement import replacements
from models.clicks.links import links_of
from models.sending.cohorts import cohorts_of
from models.tables.campaign import CampaignStatus, PauseReason
from models.tables.number import Number
from models.tables.template import Template
from tests.support.factories.campaigns import make_campaign, make_number, make_template
from tests.support.factories.common import NOW

LINK = {"source": "link", "url": "https://shop.example.com/spring"}


def linked(session: Session, number: Number, name: str, base: str) -> Template:
    button = {"type": "URL", "text": "Shop", "url": f"{base}/l/{{{{1}}}}"}
    components: list[dict[str, Any]] = [{"type": "BODY", "text": name}, {"type": "BUTTONS", "buttons": [button]}]
    return make_template(session, number, name=name, components=components)


def test_only_a_template_with_the_same_base_replaces_one_with_a_tracked_link(session: Session) -> None:
    number = make_number(session)
    ours, others = (f"https://{name}.example.com" for name in ("go", "elsewhere"))
    first, same = (linked(session, number, name, ours) for name in ("first", "same"))
    linked(session, number, "other", others)
    campaign = make_campaign(
        session,
        number,
        first,
        status=CampaignStatus.PAUSED,
        pause_reason=PauseReason.TEMPLATE_PAUSED,
        variables={"buttons": {"0": LINK}},
        launched_at=NOW,
    )
    (cohort,) = cohorts_of(session, campaign.id)
    assert list(replacements(session, cohort)) == [same]
    assert len(links_of(session, campaign.id)) == 1
