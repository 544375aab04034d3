"""Somebody at the panel, and an installation that has something to show."""

import pytest

from models.tables.user import Role
from tests.support.panel_app import Panel, Visitor
from tests.support.panel_seed import furnish


@pytest.fixture
def furnished(panel: Panel) -> None:
    """The installation has something of everything (see `furnish`)."""
    furnish(panel.rt)


@pytest.fixture
def manager(panel: Panel) -> Visitor:
    return panel.of(Role.MANAGER)
