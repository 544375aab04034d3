"""Bot flows in the panel."""

import io
import re

import pytest

from models.tables.campaign import CampaignKind
from models.tables.flow import Flow
from models.tables.number import Number
from models.tables.user import Role
from tests.support.factories.campaigns import make_campaign
from tests.support.panel_app import Panel, Visitor

EXAMPLE = re.compile(r"name: (my_\w+)")

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


OTHER = "name: spring_replies\nstart: a\nnodes:\n  a: {type: end, text: TEXT}\n"


def test_loading_over_another_flow_asks_and_names_it(panel: Panel, manager: Visitor) -> None:
    text = OTHER.replace("TEXT", "Hello")
    page = manager.refused("/flows/load", status=409, text=text)
    assert "spring_replies is there already" in page
    assert "Load over spring_replies" in page
    assert "text: Hello" in page
    assert "is there already" in manager.refused("/flows/load", status=409, text=text, replaces="another")
    assert "spring_replies is at version 2" in manager.post("/flows/load", text=text, replaces="spring_replies")


def test_the_change_of_a_flow_becomes_its_next_version_without_a_question(panel: Panel, manager: Visitor) -> None:
    assert 'name="edited" value="spring_replies"' in manager.get("/flows/load?flow=1")
    text = OTHER.replace("TEXT", "Hello")
    assert "spring_replies is at version 2" in manager.post("/flows/load", text=text, edited="spring_replies")


def test_the_example_never_has_the_name_of_a_flow_that_is_there(manager: Visitor) -> None:
    example = EXAMPLE.findall(manager.get("/flows/load"))
    assert example == ["my_replies"]
    for following in ("my_replies_2", "my_replies_3"):
        manager.post("/flows/load", text=OTHER.replace("spring_replies", example[0]))
        example = EXAMPLE.findall(manager.get("/flows/load"))
        assert example == [following]


def test_an_earlier_version_is_made_current(panel: Panel, manager: Visitor) -> None:
    manager.post("/flows/load", text=OTHER.replace("TEXT", "Hello"), edited="spring_replies")
    assert "Make it current" in manager.get("/flows/1/")
    assert "Make it current" not in panel.of(Role.VIEWER).get("/flows/1/")
    page = manager.post("/flows/1/rollback", version="1")
    assert "Version 1 is current again." in page
    assert "Version 3" in page
    assert ("manager@example.com", "roll_back") in panel.audited()
    assert "says what the current version says" in manager.post("/flows/1/rollback", version="1")
    manager.refused("/flows/1/rollback", status=404, version="x")
    manager.refused("/flows/9/rollback", status=404, version="1")
