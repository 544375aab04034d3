"""What answers of bots and agents cost, summed by number and month."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.campaigns.spending import recount_answers
from jobs.core.runtime import Runtime
from models.billing.answers import (
    KEPT_FOR,
    AnswerSums,
    CountedAnswers,
    count_answers,
    months_to_count,
    purge_answer_costs,
    store_answer_sums,
    stored_answer_sums,
)
from models.billing.balance import read_balance, set_balance
from models.billing.rate_cards import Price, save_card
from models.db.engine import Database
from models.tables.answer_cost import AnswerCost
from models.tables.number import Number
from tests.support.factories.campaigns import make_number

BEGIN, NOVEMBER = date(2026, 1, 1), date(2026, 11, 1)
UTC_ZONE = ZoneInfo("UTC")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
CARD = [
    Price("ES", "utility", BEGIN, 20_000),
    Price("ES", "utility", date(2026, 11, 10), 21_000),
    Price("PT", "service", BEGIN, 7),
    Price("PT", "utility", BEGIN, 9_999),
]
REGULAR = {"pricing_category": "service", "pricing_type": "regular", "is_billable": True}
FREE = {"pricing_category": "service", "pricing_type": "free_customer_service", "is_billable": False}
ENTRY = {"pricing_category": "referral_conversion", "pricing_type": "free_entry_point", "is_billable": False}


def day(number: int, month: int = 11) -> datetime:
    return datetime(2026, month, number, 12, tzinfo=UTC)


def load(session: Session, loaded_at: datetime, currency: str = "EUR") -> None:
    save_card(session, currency, CARD, source="rates.csv", now=loaded_at, actor="cli")


def note(session: Session, number: Number, at: datetime | None, **values: Any) -> None:
    next_id = (session.scalar(select(func.max(AnswerCost.message_id))) or 0) + 1
    given = {"price_area": "+346", "noted_at": at or NOW} | values
    session.add(AnswerCost(message_id=next_id, number_id=number.id, received_at=at, **given))
    session.flush()


def test_answers_are_charged_as_meta_says_at_the_price_of_their_day(database: Database) -> None:
    with database.write() as session:
        load(session, day(1, 10))
        number, other = make_number(session), make_number(session)
        note(session, number, day(2), **REGULAR)
        note(session, number, day(10), **REGULAR)
        note(session, number, day(11), **REGULAR, price_area="+3519")
        note(session, number, day(12), **REGULAR, price_area="+447")
        note(session, number, day(13), **REGULAR, cost=123_456, cost_currency="EUR")
        note(session, number, day(13), **FREE)
        note(session, number, day(13), **ENTRY)
        note(session, number, day(13), pricing_type="paid_exempt", is_billable=False)
        note(session, number, day(14))
        note(session, number, None, **REGULAR)
        note(session, number, day(2, 10), **REGULAR)
        note(session, other, day(15), **FREE)
        found = count_answers(session, NOVEMBER, UTC_ZONE).sums
    charged = 20_000 + 21_000 + 7 + 123_456
    assert found == {
        (number.id, NOVEMBER, "EUR"): AnswerSums(charged, 5, 1, free=1, free_entry_point=1, free_other=1, untold=1),
        (other.id, NOVEMBER, "EUR"): AnswerSums(free=1),
    }


def test_a_new_card_changes_no_past_answer_and_before_the_first_all_are_unknown(database: Database) -> None:
    with database.write() as session:
        number = make_number(session)
        note(session, number, day(2), **REGULAR)
        load(session, day(3))
        note(session, number, day(4), **REGULAR)
        load(session, day(5), "USD")
        note(session, number, day(6), **REGULAR)
        found = count_answers(session, NOVEMBER, UTC_ZONE).sums
    assert {key[2]: (sums.charged, sums.billed, sums.unpriced) for key, sums in found.items()} == {
        "": (0, 1, 1),
        "EUR": (20_000, 1, 0),
        "USD": (20_000, 1, 0),
    }


def test_a_million_costs_of_a_tenth_of_a_cent_add_up_exactly(database: Database) -> None:
    with database.write() as session:
        number = make_number(session)
        for _ in range(1_000):
            note(session, number, day(2), **REGULAR, cost=100, cost_currency="EUR")
        found = count_answers(session, NOVEMBER, UTC_ZONE).sums
    assert found[number.id, NOVEMBER, "EUR"].charged == 100_000


def test_a_month_is_the_business_s(database: Database) -> None:
    madrid = ZoneInfo("Europe/Madrid")
    with database.write() as session:
        load(session, day(1, 10))
        number = make_number(session)
        note(session, number, datetime(2026, 10, 31, 23, 30, tzinfo=UTC), **REGULAR)
        note(session, number, datetime(2026, 11, 30, 23, 30, tzinfo=UTC), **REGULAR)
        in_utc, in_madrid = (count_answers(session, NOVEMBER, zone).sums for zone in (UTC_ZONE, madrid))
    assert (in_utc[number.id, NOVEMBER, "EUR"].charged, in_madrid[number.id, NOVEMBER, "EUR"].charged) == (
        21_000,
        20_000,
    )
    first_hour = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
    assert months_to_count(first_hour, madrid)[-1] == date(2026, 12, 1)
    assert months_to_count(first_hour, UTC_ZONE) == [date(2026, 9, 1), date(2026, 10, 1), NOVEMBER]


def test_answers_are_charged_to_the_balance_from_when_it_was_set(rt: Runtime) -> None:
    now = datetime.now(UTC)
    with rt.database.write() as session:
        load(session, now - timedelta(days=1))
        number = make_number(session)
        note(session, number, now - timedelta(minutes=2), **REGULAR)
    assert len(recount_answers(rt, now)) == 1
    with rt.database.write() as session:
        set_balance(session, 1_000_000, "EUR", now, "cli")
        note(session, number, now - timedelta(minutes=1), **REGULAR)
    for changed in (1, 0):
        assert len(recount_answers(rt, now)) == changed, "a repeated count changes nothing"
    with rt.database.read() as session:
        balance = read_balance(session)
    assert balance is not None
    assert (balance.charged, balance.reserved) == (21_000, 0)


def test_the_sums_stay_when_what_they_are_made_of_is_purged(database: Database) -> None:
    with database.write() as session:
        load(session, day(1, 1))
        number = make_number(session)
        note(session, number, day(2, 3), **REGULAR)
        march = date(2026, 3, 1)
        counted = count_answers(session, march, UTC_ZONE)
        store_answer_sums(session, march, counted, NOW)
        store_answer_sums(
            session, march, CountedAnswers({}, {}), NOW - timedelta(seconds=1)
        )  # of another process that read earlier
    with database.write() as session:
        assert purge_answer_costs(session, day(2, 3) + KEPT_FOR) == 0
        assert purge_answer_costs(session, NOW) == 1
    with database.read() as session:
        assert stored_answer_sums(session, march) == counted.sums == {(number.id, march, "EUR"): AnswerSums(20_000, 1)}
    assert march not in months_to_count(NOW, UTC_ZONE), "it is not counted again"
