"""What people of the demo buy, and what a campaign's figures say of it."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from admin.demo.shopping import go_shopping, shopping_equations
from jobs.conversions.attribution import attribute_waiting
from jobs.core.runtime import Runtime
from models.tables.contact import Contact
from tests.support.factories.contacts import make_contact
from tests.support.factories.conversions import at, campaign_with_goals, reached


def _message(session: Session, contact: Contact, place: int) -> dict[str, Any]:
    facts = {"delivered": 1} if place % 9 else {"failed": 1}
    return {"wa_id": str(contact.phone)[1:], "facts": facts}


@pytest.mark.sqlite_unless_proved
def test_people_buy_return_and_cancel_and_the_figures_say_the_same(bare_rt: Runtime, tmp_path: Path) -> None:
    with bare_rt.database.write() as session:
        campaign = campaign_with_goals(session)
        phones = [f"+447700900{place:03d}" for place in range(50)]
        people = [make_contact(session, phone) for phone in phones]
        for person in people:
            reached(session, campaign, person)
        messages = [_message(session, person, place) for place, person in enumerate(people)]
    bought = go_shopping(bare_rt, tmp_path, messages, at(60))
    assert attribute_waiting(bare_rt, float("inf")) > 0
    assert (bought.people, sorted(bought.money)) == (8, ["EUR", "GBP"])
    equations = shopping_equations(bare_rt, campaign.id, bought)
    assert [item.text for item in equations if not item.holds] == []
    assert len(equations[1].left) == 2
