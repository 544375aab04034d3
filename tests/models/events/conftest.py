"""The number of the recorded webhooks."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from models.clock import from_unix
from models.tables.number import Number
from tests.support.factories.campaigns import make_number

TOLD_AT = from_unix(1795341600)


@pytest.fixture
def number(session: Session) -> Number:
    made = make_number(
        session,
        phone_number_id="106540352242922",
        display_phone="+1 555-078-3881",
        messaging_limit=250,
        throughput="STANDARD",
    )
    made.waba.waba_id = "102290129340398"
    made.waba.portfolio.limit_read_at = TOLD_AT - timedelta(days=1)
    session.flush()
    return made
