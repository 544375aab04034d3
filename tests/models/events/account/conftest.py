"""A template of the number of the recorded webhooks, and a campaign that uses it."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from models.tables.campaign import Campaign, CampaignStatus
from models.tables.number import Number
from models.tables.template import Template
from tests.support.account_webhooks import TOLD_AT
from tests.support.factories.campaigns import make_campaign, make_template


@pytest.fixture
def template(session: Session, number: Number) -> Template:
    return make_template(
        session, number, name="spring", language="en_US", category="UTILITY", meta_id="1689556908129835",
        synced_at=TOLD_AT - timedelta(days=1),
    )  # fmt: skip


@pytest.fixture
def campaign(session: Session, number: Number, template: Template) -> Campaign:
    return make_campaign(session, number, template, status=CampaignStatus.ACTIVE)
