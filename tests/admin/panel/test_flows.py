"""Bot flows in the panel."""

import io
import re

import pytest

from models.tables.campaign import CampaignKind
from models.tables.flow import Flow
from models.tables.number import Number
from tests.support.factories.campaigns import make_campaign
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


def test_the_list_counts_campaigns_without_their_tests(panel: Panel, manager: Visitor) -> None:
    with panel.rt.database.write() as session:
        number = session.get_one(Number, 1)
        for kind in (CampaignKind.REAL, CampaignKind.TEST, CampaignKind.TEST):
            make_campaign(session, number, kind=kind, flow_id=1)
    row = manager.get("/flows/").split("spring_replies</a>", 1)[1].split("</tr>", 1)[0]
    assert re.findall(r'<td class="num">(\d+)</td>', row) == ["1", "1"], "version and campaigns"
