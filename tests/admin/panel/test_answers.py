"""What answers of bots and agents cost, on the page of money, with a campaign and by command."""

from typing import Any

import pytest

from admin.operations.answers import answers_of_month
from admin.operations.billing import estimate_campaign
from jobs.campaigns.spending import recount_answers
from models.billing.rate_cards import Price, save_card
from models.clock import utcnow
from models.tables.answer_cost import AnswerCost
from models.tables.billing import Spending
from models.tables.campaign import CampaignStatus
from models.tables.number import Number
from models.tables.recipient import RecipientState
from models.tables.user import Role
from tests.support.factories.campaigns import make_campaign, make_number, make_recipient
from tests.support.factories.contacts import make_contact
from tests.support.panel_app import Panel, said

pytestmark = pytest.mark.sqlite_only

REGULAR = {"pricing_category": "service", "pricing_type": "regular", "is_billable": True}
FREE = {"pricing_category": "service", "pricing_type": "free_customer_service", "is_billable": False}


def note(panel: Panel, number_id: int, *answers: dict[str, Any]) -> None:
    """Answers that were delivered just now."""
    now = utcnow()
    with panel.rt.database.write() as session:
        for place, values in enumerate(answers):
            given = {"price_area": "+346", "received_at": now, "noted_at": now} | values
            session.add(AnswerCost(message_id=1000 + place, number_id=number_id, **given))
    recount_answers(panel.rt, now)


def shop_number(panel: Panel, *, has_card: bool = True) -> int:
    with panel.rt.database.write() as session:
        if has_card:
            prices = [Price("ES", "utility", utcnow().date().replace(month=1, day=1), 20_000)]
            save_card(session, "EUR", prices, source="rates.csv", now=utcnow().replace(year=2026, month=1), actor="cli")
        return make_number(session, name="Shop").id


def test_the_page_and_the_command_tell_charged_free_and_unknown_answers_apart(panel: Panel) -> None:
    number_id = shop_number(panel)
    note(panel, number_id, REGULAR, REGULAR, REGULAR | {"price_area": "+447"}, FREE, {})
    month = answers_of_month(panel.rt)
    assert month["numbers"] == [
        {
            "number_id": number_id, "number": "Shop", "currency": "EUR", "charged": "0.04", "delivered": 5, "billed": 3,
            "unpriced": 1, "free": 1, "free_entry_point": 0, "free_other": 0, "untold": 1,
        }
    ]  # fmt: skip
    page = panel.of(Role.VIEWER).get("/money/")
    assert "Shop 1 at an unknown price 0.04 EUR 5 3 1 0 0 1" in " ".join(
        said(page[page.index('id="answers"') :]).split()
    )
    line = panel.shell.ok("budget", "answers")
    assert "0.04 EUR" in line
    assert panel.shell.data("budget", "answers", "--json") == month
    assert panel.shell.ok("budget", "answers", "--month", "2025-01") == "no answer was delivered in 2025-01\n"
    assert "month=soon" in panel.shell.refused("budget", "answers", "--month", "soon")


@pytest.mark.parametrize("answers", [[REGULAR | {"price_area": "+447"}], [{}]])
def test_an_unknown_sum_is_never_0(answers: list[dict[str, Any]], panel: Panel) -> None:
    note(panel, shop_number(panel), *answers)
    assert answers_of_month(panel.rt)["numbers"][0]["charged"] is None
    page = panel.of(Role.VIEWER).get("/money/")
    part = page[page.index('id="answers"') :].partition("</section>")[0]
    assert "unknown" in part
    assert "0.00" not in part


def test_free_answers_cost_nothing_also_without_a_rate_card(panel: Panel) -> None:
    note(panel, shop_number(panel, has_card=False), FREE)
    (shown,) = answers_of_month(panel.rt)["numbers"]
    assert (shown["charged"], shown["currency"]) == ("0.00", None)


def test_a_month_that_is_none_is_refused_beside_its_field(panel: Panel) -> None:
    page = said(panel.of(Role.VIEWER).get("/money/?month=soon"))
    assert "allowed is a month such as 2026-11" in page


def test_the_estimate_says_what_answers_cost_and_how_many_are_free(panel: Panel) -> None:
    number_id = shop_number(panel)
    note(panel, number_id, FREE, FREE)
    with panel.rt.database.write() as session:
        number = session.get_one(Number, number_id)
        campaign = make_campaign(session, number, status=CampaignStatus.ACTIVE, launched_at=utcnow())
        make_recipient(session, campaign, make_contact(session), state=RecipientState.QUEUED, price_area="+346")
        session.add(Spending(campaign_id=campaign.id, card_id=1, category="utility", priced_at=utcnow()))
    answers = estimate_campaign(panel.rt, campaign.id)["answers"]
    assert (answers["free_used"], answers["free_left"]) == (2, 998)
    assert answers["prices"] == [{"country": "ES", "price": "0.02"}]
    page = said(panel.of(Role.VIEWER).get(f"/campaigns/{campaign.id}/cost"))
    assert "Utility messages are charged inside the 24-hour window, too." in page
    assert "Answers of bots and agents are charged apart, beyond the 998 that are still free" in page
