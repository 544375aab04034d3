"""A campaign that was paused."""

import pytest
from sqlalchemy.orm import Session

from models.tables.campaign import Campaign, CampaignStatus, PauseReason
from tests.support.factories.campaigns import make_campaign
from tests.support.factories.common import NOW


@pytest.fixture
def paused_campaign(session: Session) -> Campaign:
    return make_campaign(session, status=CampaignStatus.PAUSED, pause_reason=PauseReason.FAILURE_RATE, launched_at=NOW)
