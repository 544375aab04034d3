"""Lanes that are not waited for."""

import pytest

from jobs.sending import lane
from tests.support.begun import Begun, watch_what_begins


@pytest.fixture
def idle_lanes_end_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "IDLE_SECONDS", 0.2)


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> Begun:
    return watch_what_begins(monkeypatch)
