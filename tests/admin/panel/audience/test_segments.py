"""Building a segment by its form."""

from typing import Any

import pytest
from sqlalchemy import select

from models.tables.segment import Segment
from tests.support.panel_app import Panel, Visitor

pytestmark = [pytest.mark.usefixtures("furnished"), pytest.mark.sqlite_only]


def test_a_segment_is_built_by_its_form(panel: Panel, manager: Visitor) -> None:
    rule: dict[str, Any] = {
        "c-0-0-on": "tag", "c-0-0-name": "city", "c-0-0-op": "in", "c-0-0-value": "Madrid, Sevilla",
        "c-0-1-on": "campaign", "c-0-1-op": "failed", "c-0-1-days": "30", "c-0-1-code": "131026",
        "c-1-0-on": "consent", "c-1-0-op": "is", "c-1-0-value": "unsubscribed",
    }  # fmt: skip
    page = manager.post("/segments/new", name="Lost", **rule)
    assert "the tag city is one of Madrid, Sevilla" in page
    assert "failed in any campaign with error 131026 in the last 30 days" in page
    with panel.rt.database.read() as session:
        stored = session.scalars(select(Segment.rule).where(Segment.name == "Lost")).one()
    assert stored["any"][0]["all"][0] == {"on": "tag", "op": "in", "name": "city", "value": ["Madrid", "Sevilla"]}
    assert "is not one of" in manager.refused("/segments/new", name="Bad", **(rule | {"c-1-0-value": "maybe"}))
    assert "at least one condition" in manager.refused("/segments/new", name="Empty")
    assert "it holds a character that is no text" in manager.refused("/segments/new", name="L\x00st", **rule)
    assert "There is a segment “Lost” already" in manager.refused("/segments/new", name=" Lost", **rule)
    assert "131026" in manager.get("/segments/2/edit")
