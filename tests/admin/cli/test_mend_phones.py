"""`flask contacts mend-phones`."""

import pytest
from sqlalchemy import select

from models.tables.audit import Audit, AuditAction
from models.tables.contact import Contact, PhoneProblem
from tests.support.cli_app import Shell
from tests.support.factories.contacts import make_contact


@pytest.fixture
def unclear_people(shell: Shell) -> list[int]:
    """Three people whose number lost its plus; the number of one is another contact's."""
    problem = PhoneProblem.UNCLEAR_PHONE
    with shell.rt.database.write() as session:
        make_contact(session, "+34600640003")
        return [make_contact(session, raw_phone=f"3460064000{last}", phone_problem=problem).id for last in (1, 2, 3)]


def test_the_groups_are_listed_tried_and_settled(shell: Shell, unclear_people: list[int]) -> None:
    (group,) = shell.data("contacts", "mend-phones", "--json")
    assert (group["number"], group["international"]) == (3, {"calling_code": 34, "country": "ES"})
    assert group["group"] in shell.ok("contacts", "mend-phones")
    settle = ("contacts", "mend-phones", "--group", group["group"], "--as", "international")
    assert "would mend 2" in shell.ok(*settle, "--dry-run")
    with shell.rt.database.read() as session:
        assert session.get_one(Contact, unclear_people[0]).phone is None
        assert not session.scalars(select(Audit).where(Audit.action == AuditAction.MEND_PHONES)).all()
    result = shell.data(*settle, "--json")
    assert result["mended"] == 2
    assert [(row["contact_id"], row["phone"]) for row in result["collisions"]] == [(unclear_people[2], "+34600640003")]
    with shell.rt.database.read() as session:
        assert session.get_one(Contact, unclear_people[0]).phone == "+34600640001"
        (entry,) = session.scalars(select(Audit).where(Audit.action == AuditAction.MEND_PHONES)).all()
        assert (entry.actor, entry.detail) == ("cli", {"read_as": "international", "contacts": unclear_people[:2]})


@pytest.mark.usefixtures("unclear_people")
def test_what_cannot_be_is_refused_in_one_line(shell: Shell) -> None:
    assert "both" in shell.refused("contacts", "mend-phones", "--as", "international", code=2)
    assert "nobody" in shell.refused("contacts", "mend-phones", "--group", "XX-YY", "--as", "international")
    assert "two-letter" in shell.refused("contacts", "mend-phones", "--group", "ES-none", "--as", "national")
