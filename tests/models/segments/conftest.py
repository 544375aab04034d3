"""People to choose from."""

import pytest
from sqlalchemy.orm import Session

from models.segments.store import save_segment
from tests.models.segments.people import People
from tests.support.factories.common import NOW


@pytest.fixture
def people(session: Session) -> People:
    people = People(session, 60)
    inner = {
        "any": [
            {"all": [{"on": "consent", "op": "is", "value": "subscribed"}]},
            {"all": [{"on": "language", "op": "known"}]},
        ]
    }
    save_segment(session, "inner", inner, NOW)
    return people
