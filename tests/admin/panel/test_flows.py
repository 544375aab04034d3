"""Bot flows in the panel."""

import io

import pytest

from models.tables.flow import Flow
from tests.support.panel_app import Panel, Visitor

pytestmark = [pytest.mark.usefixtures("furnished"), pytest.mark.sqlite_only]


def test_a_flow_is_checked_loaded_and_made_the_one_for_strangers(panel: Panel, manager: Visitor) -> None:
    text = "name: hi\nstart: a\nnodes:\n  a:\n    type: message\n    text: Hello\n    next: nowhere\n"
    assert "nowhere" in manager.refused("/flows/load", text=text)
    right = text.replace("    next: nowhere\n", "")
    assert "hi is right: 1 nodes" in manager.send("/flows/load", text=right, check="1").text
    file = (io.BytesIO(right.replace("\n", "\r\n").encode()), "hi.yaml")
    assert "hi is at version 1" in manager.post("/flows/load", file=file)
    assert "Takes strangers" in manager.post("/flows/2/fallback", on="1")
    with panel.rt.database.read() as session:
        assert session.get_one(Flow, 2).is_fallback
    assert "not UTF-8" in manager.refused("/flows/load", file=(io.BytesIO(b"\xff\xff"), "x.yaml"))
