"""Lanes that are not waited for."""

import pytest

from jobs.sending import lane


@pytest.fixture
def lanes_end_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "IDLE_SECONDS", 0.2)
