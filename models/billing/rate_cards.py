"""Stores rate cards, and reads them as tables of prices."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from models.tables.billing import Rate, RateCard

SERVICE, UTILITY, MARKETING, MARKETING_LITE = "service", "utility", "marketing", "marketing_lite"
CATEGORIES = (
    MARKETING,
    MARKETING_LITE,
    UTILITY,
    "authentication",
    "authentication_international",
    SERVICE,
)
"""The categories that Meta bills (docs/meta.md §7.5); free ones have no price."""
ANY_COUNTRY = "*"
_PRICED_AS = {SERVICE: UTILITY, MARKETING_LITE: MARKETING}


@dataclass(frozen=True, slots=True)
class Price:
    """One row of a card; `amount` in millionths, `country` an ISO code or `*`."""

    country: str
    category: str
    valid_from: date
    amount: int


@dataclass(frozen=True)
class Prices:
    """A card's prices; without a card `card_id` and `currency` are None and every price is unknown."""

    card_id: int | None = None
    currency: str | None = None
    rows: Mapping[tuple[str, str], Sequence[tuple[date, int]]] = field(default_factory=dict)
    """(country, category) → (valid from, amount), oldest first."""

    def at(self, country: str | None, category: str, day: date) -> int | None:
        """Return the price of one delivered message that day, in millionths. None: the card has no price; it is unknown, not 0.

        `*` applies to countries for which the card has no row of the category. Without a `country` the price is unknown. Service
        messages cost what utility templates do (docs/meta.md §8), and marketing by the Marketing Messages API what other marketing
        does, where the card has no price of their own.
        """
        if country is None:
            return None
        key = plain_category(category)
        rows = self.rows.get((country, key)) or self.rows.get((ANY_COUNTRY, key)) or ()
        price = max(((since, amount) for since, amount in rows if since <= day), default=(day, None))[1]
        instead = _PRICED_AS.get(key)
        return self.at(country, instead, day) if price is None and instead is not None else price

    def changes_after(self, day: date) -> list[date]:
        """Return the days after `day` on which any price changes, in order."""
        return sorted({since for rows in self.rows.values() for since, _ in rows if since > day})


def plain_category(category: str) -> str:
    """Convert Meta's spellings (`authentication-international`, `AUTHENTICATION`) to the card's: `authentication_international`."""
    return category.strip().lower().replace("-", "_")


def save_card(
    session: Session, currency: str, prices: Iterable[Price], *, source: str, now: datetime, actor: str
) -> int:
    """Store a new card, which is then in force, and return its id."""
    card = RateCard(currency=currency, source=source[:300], loaded_at=now, loaded_by=actor)
    session.add(card)
    session.flush()
    rows = [
        {
            "card_id": card.id,
            "country": price.country,
            "category": price.category,
            "valid_from": price.valid_from,
            "amount": price.amount,
        }
        for price in prices
    ]
    session.execute(insert(Rate), rows)
    return card.id


def newest_card(session: Session) -> RateCard | None:
    """Return the card in force, None if there is no card."""
    return session.scalar(select(RateCard).order_by(RateCard.id.desc()).limit(1))


def read_prices(session: Session, card_id: int | None) -> Prices:
    """Read a card's prices; for None, or a card that does not exist, an empty `Prices`."""
    card = session.get(RateCard, card_id) if card_id is not None else None
    if card is None:
        return Prices()
    rows: dict[tuple[str, str], list[tuple[date, int]]] = {}
    query = select(Rate).where(Rate.card_id == card.id).order_by(Rate.valid_from)
    for rate in session.scalars(query):
        rows.setdefault((rate.country, rate.category), []).append((rate.valid_from, rate.amount))
    return Prices(card.id, card.currency, rows)


def prices_in_force(session: Session) -> Prices:
    """Read the prices of the newest card."""
    return read_prices(session, session.scalar(select(func.max(RateCard.id))))


def day_of(moment: datetime) -> date:
    """Return the UTC day that determines the price at a time."""
    return moment.astimezone(UTC).date()
