"""Counting who matches a rule, in pieces."""

import json
import re
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from admin.operations import segments
from admin.panel.audience import segments as panel_segments
from models.tables.segment import Segment
from tests.support.panel_app import Panel, Visitor

pytestmark = [pytest.mark.usefixtures("furnished"), pytest.mark.sqlite_only]


def test_the_builder_counts_before_anything_is_saved_and_marks_what_is_wrong(panel: Panel, manager: Visitor) -> None:
    form: dict[str, Any] = {
        "c-0-0-on": "tag", "c-0-0-name": "city", "c-0-0-op": "is", "c-0-0-value": "Madrid",
        "c-0-3-on": "last_engaged", "c-0-3-op": "unknown",
        "c-2-0-on": "consent", "c-2-0-op": "is", "c-2-0-value": "unsubscribed",
    }  # fmt: skip
    answer = manager.send("/segments/count", **form).json
    assert answer is not None
    assert (answer["done"], answer["counts"]) == (True, {"c-0-0": "60", "c-0-3": "62", "c-2-0": "1"})
    assert "61</b>" in answer["parts"]["matches"]
    assert "Bob" in answer["parts"]["matches"] or "Person 0" in answer["parts"]["matches"]
    typing = form | {"c-0-1-on": "last_inbound", "c-0-1-op": "after", "c-0-1-value": ""}
    answer = manager.send("/segments/count", **typing).json
    assert answer is not None
    assert answer["problems"]["c-0-1"] == "", "somebody is at it"
    assert "once every condition is complete" in answer["parts"]["matches"]
    answer = manager.send("/segments/count", **(typing | {"c-0-1-value": "soon"})).json
    assert answer is not None
    assert answer["problems"]["c-0-1"].startswith("Value 'soon' must be a date")
    assert (answer["counts"]["c-0-0"], answer["counts"]["c-0-1"]) == ("60", "")
    page = manager.refused("/segments/new", name="Lost", **typing)
    assert "look at the marked conditions" in page
    assert "Fill in the value." in page
    dropped = manager.send("/segments/new", name="Lost", drop="c-0-3", count="1", **form).text
    assert ('last_engaged" selected' in dropped, "61</b>" in dropped) == (False, True)
    with panel.rt.database.read() as session:
        assert list(session.scalars(select(Segment.name))) == ["Madrid"]


def test_a_count_of_many_comes_in_pieces_and_says_that_it_is_not_done(
    panel: Panel, manager: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name, value in (
        (segments, "FIRST_SLICE", 25),
        (panel_segments, "ASK_SECONDS", 0),
        (panel_segments, "PAGE_SECONDS", 0),
    ):
        monkeypatch.setattr(module, name, value)
    page = manager.get("/segments/1/")
    assert "Still counting: 39 % looked at." in page
    state = unescape(re.search(r'data-state="([^"]+)"', page)[1])  # type: ignore[index]
    found = []
    for _ in range(2):
        answer = json.loads(manager.get(f"/segments/1/live?{urlencode({'state': state})}"))
        found.append((answer["counts"]["c-0-0"], answer["done"]))
        state = answer["state"]
    assert found == [("47…", False), ("60", True)]
    with panel.rt.database.write() as session:
        session.get_one(Segment, 1).rule = {"all": [{"on": "tag", "op": "has", "name": "<b>"}]}
    assert "there is no tag &#39;&lt;b&gt;&#39;" in json.loads(manager.get("/segments/1/live"))["parts"]["matches"]


def test_what_the_browser_brings_back_is_counted_on_only_if_it_fits(
    manager: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "FIRST_SLICE", 25)
    monkeypatch.setattr(panel_segments, "ASK_SECONDS", 0)
    state = json.loads(manager.get("/segments/1/live"))["state"]
    for bad in ("", "[", "[1,2,3,4,5,6,7]", state.replace("22", "-1"), re.sub(r"\[[^[]*\]\]$", "{}]", state)):
        assert json.loads(manager.get(f"/segments/1/live?{urlencode({'state': bad})}"))["counts"] == {"c-0-0": "22…"}
