"""The form says beside the reach what the campaign would cost, and apart from it the answers."""

from datetime import date

import pytest

from models.billing.amount import MICRO
from models.billing.rate_cards import Price, save_card
from models.clock import utcnow
from tests.support.campaign_form import FORM
from tests.support.panel_app import Panel, Visitor

pytestmark = [pytest.mark.usefixtures("number_and_people_added"), pytest.mark.sqlite_only]


def test_the_form_shows_the_cost_and_apart_from_it_that_of_the_answers(panel: Panel, manager: Visitor) -> None:
    assert "Unknown: no rate card has these prices." in manager.send("/campaigns/new", **FORM, refresh="1").text
    since = date(2026, 1, 1)
    with panel.rt.database.write() as session:
        prices = [Price("GB", "marketing", since, MICRO), Price("GB", "service", since, MICRO)]
        save_card(session, "GBP", prices, source="x", now=utcnow(), actor="cli")
    page = manager.send("/campaigns/new", **FORM, refresh="1").text
    assert "Probably <b>1.80 GBP</b>, at most 2.00 GBP." in page
    assert "Answers to it will probably cost 0.00 GBP more, at most about 2.00 GBP: they are charged apart." in page
