"""Live numbers: read once however many look."""

import pytest

from admin.panel import live_stats
from tests.support.panel_app import Panel

pytestmark = [pytest.mark.usefixtures("number_and_people_added"), pytest.mark.sqlite_only]


def test_numbers_are_read_once_in_two_seconds_however_many_look(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    monkeypatch.setattr(live_stats, "FRESH_SECONDS", 60.0)

    def stats_of(_session: object, ids: list[int], _stored: object) -> dict[int, dict[str, int]]:
        read.extend(ids)
        return {key: {"id": key} for key in ids}

    monkeypatch.setattr(live_stats, "stats_of", stats_of)
    kept = live_stats.LiveStats()
    for _ in range(3):
        assert kept.get(panel.rt, [1, 2]) == {1: {"id": 1}, 2: {"id": 2}}
    kept.forget(2)
    kept.get(panel.rt, [1, 2])
    assert read == [1, 2, 2]
