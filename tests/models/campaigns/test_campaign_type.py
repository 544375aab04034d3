"""What a campaign is: an offer, information, or products of a catalog."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from models.campaigns.export import COLUMNS, export_rows
from models.campaigns.stats import campaign_stats
from models.tables.campaign import Campaign, CampaignStatus, CampaignType
from tests.support.factories.campaigns import make_campaign, make_number, make_recipient, make_template
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice

BODY: dict[str, Any] = {"type": "BODY", "text": "Hello {{1}}"}
PRODUCT_CARDS = {"type": "CAROUSEL", "cards": [{"components": [{"type": "HEADER", "format": "PRODUCT"}]}] * 2}


def _buttons(*kinds: str) -> dict[str, Any]:
    return {"type": "BUTTONS", "buttons": [{"type": kind, "text": "Look"} for kind in kinds]}


@pytest.mark.parametrize(
    ("category", "components", "kind"),
    [
        ("MARKETING", [BODY], "promotional"),
        ("UTILITY", [BODY], "informational"),
        ("AUTHENTICATION", [BODY], "informational"),
        ("MARKETING", [BODY, _buttons("CATALOG")], "catalog"),
        ("MARKETING", [BODY, _buttons("QUICK_REPLY", "catalog")], "catalog"),
        ("MARKETING", [BODY, _buttons("MPM")], "catalog"),
        ("MARKETING", [BODY, _buttons("SPM")], "catalog"),
        ("MARKETING", [BODY, PRODUCT_CARDS], "catalog"),
        ("UTILITY", [BODY, _buttons("CATALOG")], "catalog"),
        ("MARKETING", [BODY, {"type": "BUTTONS", "buttons": None}], "promotional"),
    ],
)
def test_the_template_says_what_a_campaign_is(
    category: str, components: list[Any], kind: str, session: Session
) -> None:
    number = make_number(session)
    template = make_template(session, number, category=category, components=components)
    campaign = make_campaign(session, number, template)
    make_recipient(session, campaign, alice(session))
    assert campaign_stats(session, campaign.id)["type"] == kind
    [row] = export_rows(session, campaign.id)
    assert dict(zip(COLUMNS, row.cells, strict=True))["type"] == kind


def test_a_draft_without_a_template_has_no_type(session: Session) -> None:
    campaign = Campaign(name="Idea", ends_after_seconds=60, created_at=NOW, updated_at=NOW)
    session.add(campaign)
    session.flush()
    assert campaign_stats(session, campaign.id)["type"] is None


def test_what_was_stored_at_the_start_stays_when_the_template_changes(session: Session) -> None:
    number = make_number(session)
    template = make_template(session, number)
    campaign = make_campaign(
        session, number, template, status=CampaignStatus.ACTIVE, type=CampaignType.PROMOTIONAL, launched_at=NOW
    )
    template.category = "UTILITY"
    session.flush()
    assert campaign_stats(session, campaign.id)["type"] == "promotional"
