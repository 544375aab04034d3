"""Meta's own analytics beside our count: alike where both saw the same, and unknown where Meta says nothing."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import func, select

from admin.operations.money.comparison import compare_month
from bot.meta.analytics import PricePoint
from bot.sandbox.store import SandboxMessage
from jobs.analytics.meta_books import DAYS, _days, compare_account, wake_meta_books
from models.billing.rate_cards import Price, save_card
from models.clock import utcnow
from models.tables.answer_cost import AnswerCost
from models.tables.billing import Spending
from models.tables.campaign import CampaignStatus
from models.tables.meta_charge import MetaCharge, MetaReading, MetaTemplateDay
from models.tables.number import Number, Waba
from models.tables.recipient import RecipientState
from models.tables.template import Template
from tests.support.cli_app import Shell
from tests.support.factories.campaigns import make_campaign, make_recipient
from tests.support.factories.contacts import make_contact

pytestmark = [pytest.mark.usefixtures("number_added"), pytest.mark.sqlite_unless_proved]
YESTERDAY = datetime.combine(utcnow().date(), time(12), UTC) - timedelta(days=1)
SINCE = date(2026, 1, 1)
PRICES = [Price("ES", "marketing", SINCE, 50_000), Price("ES", "utility", SINCE, 30_000)]


def _at_meta(shell: Shell, name: str, category: str, price_type: str, wa_id: str = "34600000001") -> None:
    """A message that the simulated Meta delivered yesterday."""
    with shell.rt.database.read() as session:
        number = session.scalars(select(Number)).one()
    sim, at = shell.meta.sim, YESTERDAY.timestamp()
    template, language = ("spring_sale", "en") if category != "service" else (None, None)
    message = SandboxMessage(
        name, number.phone_number_id, wa_id, wa_id, "template", at, None, template, language, category
    )
    message.facts = {"sent": at, "delivered": at, "read": at + 5}
    sim.store.messages.append(message)
    sim.delivery.prices._of_delivery[name] = price_type


def _here(shell: Shell, people: int = 2, *, has_answers: bool = True) -> None:
    """A campaign that reached so many people in Spain yesterday, and a free and a charged answer."""
    with shell.rt.database.write() as session:
        number = session.scalars(select(Number)).one()
        session.scalars(select(Waba)).one().currency = "EUR"
        template = session.scalars(
            select(Template).where(Template.name == "spring_sale", Template.language == "en")
        ).one()
        card_id = save_card(session, "EUR", PRICES, source="x", now=YESTERDAY - timedelta(days=9), actor="cli")
        campaign = make_campaign(
            session, number=number, template=template, status=CampaignStatus.ACTIVE,
            started_at=YESTERDAY, launched_at=YESTERDAY, last_sent_at=YESTERDAY,
        )  # fmt: skip
        session.add(Spending(campaign_id=campaign.id, card_id=card_id, category="marketing", priced_at=YESTERDAY))
        for _ in range(people):
            make_recipient(
                session, campaign, make_contact(session), price_area="+346", state=RecipientState.ACCEPTED,
                accepted_at=YESTERDAY, delivered_at=YESTERDAY, pricing_category="marketing", pricing_type="regular",
            )  # fmt: skip
        for message_id, price_type in ((1, "regular"), (2, "free_customer_service")) if has_answers else ():
            session.add(
                AnswerCost(
                    message_id=message_id, number_id=number.id, price_area="+346", received_at=YESTERDAY,
                    pricing_category="service", pricing_type=price_type, noted_at=YESTERDAY,
                )
            )  # fmt: skip


def _compare(shell: Shell) -> list[str]:
    with shell.rt.database.read() as session:
        pk = session.scalars(select(Waba.id)).one()
    return [str(error) for error in compare_account(shell.rt, pk, utcnow())]


def _rows(shell: Shell) -> list[tuple[object, ...]]:
    with shell.rt.database.read() as session:
        rows = session.scalars(select(MetaCharge).order_by(MetaCharge.category, MetaCharge.pricing_type)).all()
    return [(row.category, row.pricing_type, row.volume, row.own_volume, row.cost, row.own_cost) for row in rows]


def test_both_counts_stand_side_by_side_and_a_difference_has_a_reason(shell: Shell) -> None:
    _here(shell)
    for place in range(3):
        _at_meta(shell, f"m{place}", "marketing", "regular")
    _at_meta(shell, "s1", "service", "regular")
    _at_meta(shell, "s2", "service", "free_customer_service")
    shell.meta.configure(analytics_page=2)
    assert _compare(shell) == []
    alike = [
        ("service", "free_customer_service", 1, 1, 0, 0),
        ("service", "regular", 1, 1, 30_000, 30_000),
    ]
    assert _rows(shell) == [("marketing", "regular", 3, 2, 150_000, 100_000), *alike]
    account = compare_month(shell.rt, f"{YESTERDAY:%Y-%m}")["accounts"][0]
    (difference,) = account["differences"]
    assert (difference["difference"], difference["cost_difference"], difference["country"]) == (1, "0.05", "ES")
    assert difference["reasons"][0].startswith("statuses of messages did not arrive here")
    assert (account["total"]["meta_cost"], account["total"]["own_cost"]) == ("0.18", "0.13")
    assert [line["name"] for line in account["numbers"]] == [account["numbers"][0]["name"]]
    _here(shell, people=1, has_answers=False)
    assert _compare(shell) == []
    assert _rows(shell)[0] == ("marketing", "regular", 3, 3, 150_000, 150_000), "a second reading replaces the first"
    with shell.rt.database.read() as session:
        days = session.scalars(select(MetaTemplateDay)).all()
    assert [(day.sent, day.delivered, day.read, day.product) for day in days] == [(3, 3, 3, "CLOUD_API")]
    shell.meta.sim.store.messages.clear()
    assert _compare(shell) == []
    with shell.rt.database.read() as session:
        assert session.scalars(select(MetaTemplateDay.sent)).all() == [3], "the highest count of a template stays"
    assert _rows(shell)[0] == ("marketing", "regular", None, 3, None, 150_000), "what Meta does not list is not 0"


def test_what_meta_refuses_is_said_and_what_is_stored_stays(shell: Shell) -> None:
    _here(shell)
    _at_meta(shell, "m1", "marketing", "regular")
    shell.meta.configure(analytics_costs=False, insights_enabled=False)
    (refused,) = _compare(shell)
    assert "Template insights are not enabled" in refused
    before = _rows(shell)
    assert before[0] == ("marketing", "regular", 1, 2, None, 100_000)
    shell.meta.configure(analytics_permission=False)
    assert len(_compare(shell)) == 2
    assert _rows(shell) == before
    account = compare_month(shell.rt)["accounts"][0]
    assert "whatsapp_business_management" in account["prices_error"]
    assert "Template insights" not in account["templates_error"]
    said = shell.refused("billing", "compare", "--read")
    assert "whatsapp_business_management" in said
    assert "in all" in shell.ok("billing", "compare")


def test_a_night_reads_each_account_once_and_tries_again_after_a_failure(shell: Shell) -> None:
    noon = utcnow().replace(hour=12)
    assert wake_meta_books(shell.rt, noon.replace(hour=3)) == 0
    assert wake_meta_books(shell.rt, noon) == 1
    _compare(shell)
    with shell.rt.database.write() as session:
        reading = session.scalars(select(MetaReading)).one()
        reading.read_at = reading.tried_at = noon
    shell.rt.redis.flushdb()
    assert wake_meta_books(shell.rt, noon + timedelta(hours=1)) == 0
    assert wake_meta_books(shell.rt, noon + timedelta(days=1)) == 1
    with shell.rt.database.write() as session:
        session.scalars(select(MetaReading)).one().read_at = None
    shell.rt.redis.flushdb()
    assert wake_meta_books(shell.rt, noon + timedelta(minutes=20)) == 0
    assert wake_meta_books(shell.rt, noon + timedelta(minutes=40)) == 1
    assert DAYS == 8
    with shell.rt.database.read() as session:
        assert session.scalar(select(func.count()).select_from(MetaCharge)) == 0


def test_days_are_those_of_meta_s_zone_and_one_that_is_cut_off_is_left_out() -> None:
    begin = datetime(2026, 10, 20, tzinfo=UTC)
    end = begin + timedelta(days=DAYS)
    madrid = [begin - timedelta(hours=2), begin + timedelta(hours=22), begin + timedelta(days=4, hours=22)]
    lengths = (24, 24, 25)  # the clocks are put back on the 25th
    points = [
        PricePoint(at, at + timedelta(hours=hours), "1", "ES", "marketing", "regular", 1, None)
        for at, hours in zip(madrid, lengths, strict=True)
    ]
    days = _days(points, begin, end)
    assert days[0] == (begin + timedelta(hours=22), begin + timedelta(hours=46))
    assert (points[2].begin, points[2].end) in days
    assert all(first[1] <= second[0] for first, second in pairwise(days))
    assert [day for day in days if day[0] < begin or day[1] > end] == []
    assert len(_days([], begin, end)) == DAYS
