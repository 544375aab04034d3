"""What an answer costs the person who gets it, for the budgets of bot flows."""

from datetime import date

from jobs.replies.answer_prices import AnswerPrices
from models.billing.rate_cards import Price, save_card
from models.db.engine import Database
from tests.support.factories.common import NOW


def test_the_price_is_that_of_the_person_s_country_by_the_newest_card(database: Database) -> None:
    prices = AnswerPrices()
    begin = date(2026, 1, 1)
    with database.write() as session:
        prices.refresh(session)
        assert (prices.of("ES", "+34600000001", NOW), prices.currency) == (None, None)
        card = [Price("ES", "utility", begin, 20_000), Price("CA", "service", begin, 7)]
        save_card(session, "EUR", card, source="a.csv", now=NOW, actor="cli")
        prices.refresh(session)
        assert prices.currency == "EUR"
        known = [prices.of("ES", "+34600000001", NOW), prices.of(None, "+34600000001", NOW), prices.of("ES", None, NOW)]
        assert known == [20_000, 20_000, 20_000]
        assert [prices.of("CA", "+14165550100", NOW), prices.of(None, "+14165550100", NOW)] == [7, 7]
        assert [prices.of("FR", "+33600000001", NOW), prices.of(None, None, NOW)] == [None, None]
        save_card(session, "EUR", [Price("ES", "service", begin, 1)], source="b.csv", now=NOW, actor="cli")
        prices.refresh(session)
        assert prices.of("ES", "+34600000001", NOW) == 1
