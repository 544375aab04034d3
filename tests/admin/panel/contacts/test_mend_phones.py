"""Mending numbers without their plus in the panel: by groups, one by one, and never over another contact."""

import pytest

from models.tables.contact import PhoneProblem
from models.tables.user import Role
from tests.support.factories.contacts import make_contact
from tests.support.panel_app import Panel, Visitor, said
from tests.support.panel_rows import contact

pytestmark = [pytest.mark.sqlite_only]


@pytest.fixture
def unclear(panel: Panel) -> list[int]:
    """Two people whose number lost its plus; the number of the second is another contact's."""
    with panel.rt.database.write() as session:
        make_contact(session, "+34600640002", name="Holder")
        people = [("34600640001", "Ana"), ("34600640002", "Bo")]
        problem = PhoneProblem.UNCLEAR_PHONE
        return [make_contact(session, raw_phone=raw, name=name, phone_problem=problem).id for raw, name in people]


def test_a_group_is_settled_after_a_question_and_collisions_are_merged_by_hand(
    panel: Panel, manager: Visitor, unclear: list[int]
) -> None:
    assert "/contacts/mend" in manager.get("/contacts/")
    group = "ES-none"
    assert "+34… (ES)" in said(manager.get("/contacts/mend"))
    asked = said(manager.send(f"/contacts/mend/{group}/settle", **{"as": "international"}).text)
    assert "Mend 1 number?" in asked
    assert contact(panel, unclear[0]).phone is None
    page = said(manager.post(f"/contacts/mend/{group}/settle", **{"as": "international", "confirmed": "1"}))
    assert "1 number was mended. 1 would have the number of another contact" in page
    assert contact(panel, unclear[0]).phone == "+34600640001"
    assert "+34600640002: merge with its contact" in page
    assert "Make one record of the two?" in manager.send(f"/contacts/{unclear[1]}/merge", other="+34600640002").text
    assert "mend_phones" in [action for _, action in panel.audited()]


def test_one_is_settled_alone_and_only_once(panel: Panel, manager: Visitor, unclear: list[int]) -> None:
    address = f"/contacts/mend/ES-none/{unclear[0]}"
    assert "no two-letter code" in said(manager.post(address, **{"as": "national", "country": "x"}))
    assert "mended" in said(manager.post(address, **{"as": "national", "country": "de"}))
    assert contact(panel, unclear[0]).phone == "+4934600640001"
    assert "not unclear any more" in said(manager.post(address, **{"as": "international"}))


@pytest.mark.usefixtures("unclear")
def test_an_agent_mends_nothing(panel: Panel) -> None:
    agent = panel.of(Role.AGENT)
    assert "/contacts/mend" not in agent.get("/contacts/")
    agent.get("/contacts/mend", status=403)
    agent.refused("/contacts/mend/ES-none/settle", status=403, **{"as": "international"})
