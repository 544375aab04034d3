"""A complete form of a campaign."""

from typing import Any

from bot.sandbox.seed import PHONE_NUMBER_ID
from models.tables.campaign import Campaign
from tests.support.panel_app import Panel

FORM: dict[str, Any] = {
    "name": "Spring",
    "number": PHONE_NUMBER_ID,
    "template": "spring_sale|en",
    "include_what": ["tag:vip", ""],
    "include_value": ["", ""],
    "slot-body-1-source": "first_name",
    "slot-body-1-fallback": "friend",
    "slot-body-2-source": "text",
    "slot-body-2-text": "20 %",
    "pace": "50",
    "pace_unit": "per_second",
    "ends_after_days": "3",
}


def campaign(panel: Panel, campaign_id: int = 1) -> Campaign:
    with panel.rt.database.read() as session:
        return session.get_one(Campaign, campaign_id)
