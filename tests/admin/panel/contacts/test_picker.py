"""Picking people by a few letters."""

import json
from urllib.parse import quote

import pytest

from tests.support.panel_app import Panel, Visitor

pytestmark = [pytest.mark.usefixtures("furnished"), pytest.mark.sqlite_only]


def test_people_are_found_by_name_number_and_tag_to_be_picked(panel: Panel, manager: Visitor) -> None:
    def found(text: str) -> list[tuple[int, str]]:
        answer = json.loads(manager.get(f"/contacts/pick.json?q={quote(text)}"))
        return [(person["id"], person["tag"]) for person in answer["people"]]

    assert (1, "") in found("alice")
    assert found("+34600000002") == [(2, "")]
    assert found("nobody at all") == []
    assert found(" ") == []
    tagged = found("CIT")
    assert {tag for _, tag in tagged} == {"city"}
    assert found("city=Nowhere") == []
    answer = json.loads(manager.get("/contacts/pick.json?q=city"))
    assert (answer["more"], len(answer["people"])) == (True, 12)
