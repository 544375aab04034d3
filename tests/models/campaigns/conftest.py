"""A campaign that was paused."""

import pytest
from sqlalchemy.orm import Session

from models.tables.campaign import Campaign, CampaignStatus, PauseReason
from tests.support import factories
from tests.support.factories import NOW


@pytest.fixture
def paused_campaign(session: Session) -> Campaign:
    return factories.make_campaign(
        session, status=CampaignStatus.PAUSED, pause_reason=PauseReason.FAILURE_RATE, launched_at=NOW
    )
