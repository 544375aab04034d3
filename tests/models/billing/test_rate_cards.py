"""What a message costs by the card of its day."""

from datetime import date

from models.billing.rate_cards import Price, prices_in_force, save_card
from models.db.engine import Database
from tests.support.factories.common import NOW


def test_a_price_holds_from_its_day_on_and_what_the_card_does_not_say_is_unknown(database: Database) -> None:
    old, new = date(2026, 1, 1), date(2026, 12, 1)
    with database.write() as session:
        save_card(session, "EUR", [Price("DE", "utility", old, 1)], source="old", now=NOW, actor="cli")
        rows = [
            Price("ES", "marketing", old, 50_000),
            Price("ES", "marketing", new, 60_000),
            Price("*", "marketing", old, 90_000),
            Price("FR", "utility", old, 0),
        ]
        save_card(session, "EUR", rows, source="new", now=NOW, actor="cli")
    with database.read() as session:
        prices = prices_in_force(session)
    assert prices.at("ES", "MARKETING", date(2026, 11, 30)) == 50_000
    assert prices.at("ES", "marketing", new) == 60_000
    assert prices.at("ES", "marketing", date(2025, 12, 31)) is None, "before the card begins"
    assert prices.at("IT", "marketing", new) == 90_000
    assert prices.at(None, "marketing", new) is None, "nobody knows where that is"
    assert prices.at("FR", "utility", new) == 0, "a price of nothing is known"
    assert prices.at("DE", "utility", new) is None, "the new card replaced the old one"
    assert prices.changes_after(NOW.date()) == [new]
