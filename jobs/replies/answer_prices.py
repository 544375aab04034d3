"""Says what an answer to a person costs by the rate card in force, for the budgets of bot flows."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.billing.price_area import area_of, country_of
from models.billing.rate_cards import SERVICE, Prices, day_of, read_prices
from models.tables.billing import RateCard


class AnswerPrices:
    """The prices of the newest rate card, read again once there is another one. Before the first reading none is known."""

    def __init__(self) -> None:
        self._prices = Prices()

    @property
    def currency(self) -> str | None:
        """The card's currency."""
        return self._prices.currency

    def refresh(self, session: Session) -> None:
        """Read the newest card, if it is not the one that was read."""
        newest = session.scalar(select(func.max(RateCard.id)))
        if newest != self._prices.card_id:
            self._prices = read_prices(session, newest)

    def of(self, country: str | None, phone: str | None, now: datetime) -> int | None:
        """Return what one answer costs beyond the free ones, in millionths; None if it is unknown."""
        return self._prices.at(country_of(area_of(country, phone)), SERVICE, day_of(now))
