"""A month's statement: its totals and files are the sums of the rows, to the last millionth, and name no estimate."""

import csv
import io
from datetime import date, timedelta
from decimal import Decimal

import pytest
from openpyxl import load_workbook

from admin.operations.money.statement import month_statement, statement_lines, statement_workbook
from jobs.campaigns.spending import recount_answers, recount_campaigns
from jobs.core.runtime import Runtime
from models.billing.amount import MICRO
from models.billing.rate_cards import Price, save_card
from models.tables.answer_cost import AnswerCost, AnswerSpending
from models.tables.billing import Spending
from models.tables.campaign import CampaignStatus
from models.tables.charge import AnswerCharge
from models.tables.user import Role
from tests.support.billing_rig import deliver
from tests.support.factories.campaigns import make_campaign, make_recipient
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_contact
from tests.support.panel_app import Panel, said

pytestmark = pytest.mark.sqlite_unless_proved
SINCE = date(2026, 1, 1)
ODD, TINY = 33_333, 7
PRICES = [Price("ES", "marketing", SINCE, ODD), Price("ES", "utility", SINCE, TINY)]


def _charge(rt: Runtime) -> int:
    """A campaign with a name that a spreadsheet would run, charged in two currencies and two months, and three answers."""
    with rt.database.write() as session:
        card_id = save_card(session, "EUR", PRICES, source="rates.csv", now=NOW - timedelta(days=5), actor="cli")
        campaign = make_campaign(session, status=CampaignStatus.ACTIVE, launched_at=NOW, name="=1+1")
        session.add(Spending(campaign_id=campaign.id, card_id=card_id, category="marketing", priced_at=NOW))
        for values in (
            {}, {"pricing_category": "utility"}, {"cost": 19, "cost_currency": "USD"}, {"price_area": "FR+336"},
            {"delivered_at": NOW + timedelta(days=20)},
        ):  # fmt: skip
            deliver(make_recipient(session, campaign, make_contact(session), price_area="+346"), **values)
        for message_id, area in ((1, "+346"), (2, "+346"), (3, "+491")):
            session.add(
                AnswerCost(
                    message_id=message_id, number_id=campaign.number_id, price_area=area, received_at=NOW, noted_at=NOW,
                    pricing_category="service", pricing_type="regular",
                )
            )  # fmt: skip
        campaign_id, number_id = campaign.id, campaign.number_id
    recount_campaigns(rt, campaign_id, NOW + timedelta(days=21))
    recount_answers(rt, NOW)
    assert number_id is not None
    return number_id


def test_totals_and_files_are_the_sums_of_the_rows(rt: Runtime) -> None:
    number_id = _charge(rt)
    found = month_statement(rt, "2026-11")
    euros = ODD + 3 * TINY
    assert [(total["messages"], total["currency"], total["amount"]) for total in found["totals"]] == [
        (4, "EUR", str(Decimal(euros) / MICRO)),
        (1, "USD", "0.000019"),
    ]
    assert (found["unknown"], found["months"]) == (2, ["2026-12", "2026-11"])
    for group in ("numbers", "campaigns", "categories", "countries"):
        in_euros = [Decimal(row["amount"]) for row in found[group] if row["currency"] == "EUR"]
        assert sum(in_euros) == Decimal(euros) / MICRO, group
        assert sum(row["messages"] for row in found[group]) == 7
    assert {row["id"] for row in found["numbers"]} == {number_id}
    assert [row["amount"] for row in found["countries"] if row["name"] in {"DE", "FR"}] == [None, None]

    lines = list(csv.DictReader(io.StringIO("".join(statement_lines(rt, "2026-11", "me")))))
    assert {line["campaign"] for line in lines} == {"'=1+1", "answers"}
    assert sum(Decimal(line["amount"]) for line in lines if line["currency"] == "EUR") == Decimal(euros) / MICRO
    assert [line["amount"] for line in lines if not line["currency"]] == ["", ""]
    sheet = load_workbook(io.BytesIO(b"".join(statement_workbook(rt, "2026-11", "me")))).active
    assert sheet is not None
    header, *rows = sheet.iter_rows(values_only=True)
    assert list(header) == list(lines[0])
    assert [[str(cell) if cell is not None else "" for cell in row[:9]] for row in rows] == [
        [text.removeprefix("'") for text in list(line.values())[:9]] for line in lines
    ]
    assert sum(round(float(str(row[9])) * MICRO) for row in rows if row[8] == "EUR") == euros
    assert {cell.data_type for cell in sheet["D"]} == {"s"}, "nothing is a formula"
    december = month_statement(rt, "2026-12")
    assert [(total["amount"], total["messages"]) for total in december["totals"]] == [("0.033333", 1)]


def test_answers_that_an_older_version_counted_stand_without_a_country(rt: Runtime) -> None:
    with rt.database.write() as session:
        number_id = make_campaign(session).number_id
        session.add(
            AnswerSpending(
                number_id=number_id, month=SINCE, currency="EUR", charged=5, billed=3, unpriced=1, counted_at=NOW
            )
        )
    found = month_statement(rt, "2026-01")
    assert found["totals"] == [{"id": "", "name": None, "messages": 2, "currency": "EUR", "amount": "0.000005"}]
    assert (found["unknown"], [row["name"] for row in found["countries"]]) == (1, [None, None])
    with rt.database.write() as session:
        session.add(
            AnswerCharge(
                number_id=number_id,
                month=SINCE,
                country="ES",
                category="service",
                currency="EUR",
                messages=1,
                charged=4,
            )
        )
    assert month_statement(rt, "2026-01")["totals"][0]["amount"] == "0.000004"


def test_the_page_shows_it_and_serves_files_and_a_wrong_month_is_said(panel: Panel) -> None:
    _charge(panel.rt)
    viewer, manager = panel.of(Role.VIEWER), panel.of(Role.MANAGER)
    page = said(viewer.get("/money/statement?month=2026-11"))
    assert "Statement of 2026-11" in page
    assert "0.033354 EUR for 4 messages" in page
    assert "2 at an unknown price, in no sum" in page
    assert "allowed is a month such as 2026-11" in viewer.get("/money/statement?month=november", status=400)
    viewer.get("/money/statement.csv?month=2026-11", status=403)
    manager.get("/money/statement.csv?month=x", status=400)
    text = manager.client.get("/admin/money/statement.csv?month=2026-11")
    assert (text.mimetype, text.data[:3]) == ("text/csv", b"\xef\xbb\xbf")
    assert manager.client.get("/admin/money/statement.xlsx?month=2026-11").data[:2] == b"PK"
    assert panel.audited().count(("manager@example.com", "export")) == 2
