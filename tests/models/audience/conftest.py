"""A campaign to people with flaws."""

import pytest
from sqlalchemy.orm import Session

from tests.support.flawed_people import World


@pytest.fixture
def world(session: Session) -> World:
    return World(session)
