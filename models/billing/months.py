"""Divides time where the price or the month of a message changes: at days of the rate card, at months of the business's zone."""

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from models.billing.rate_cards import Prices, day_of


class Period(NamedTuple):
    """A time within which neither changes. `day` determines the price, `month` is the first day of the month."""

    begin: datetime
    day: date
    month: date


def month_of(moment: datetime, zone: ZoneInfo) -> date:
    """Return the first day of the moment's calendar month in a zone."""
    return moment.astimezone(zone).date().replace(day=1)


def next_month(month: date) -> date:
    """Return the first day of the month after one that is given by its first day."""
    return (month + timedelta(days=31)).replace(day=1)


def month_begin(month: date, zone: ZoneInfo) -> datetime:
    """Return the moment, in UTC, at which a month begins in a zone."""
    return datetime.combine(month, time(), zone).astimezone(UTC)


def price_periods(begin: datetime, until: datetime, prices: Prices, zone: ZoneInfo) -> list[Period]:
    """Return the periods from `begin` on, in order; the last has no end. Nothing is divided by months that begin after `until`."""
    moments = {datetime.combine(day, time(), UTC) for day in prices.changes_after(day_of(begin))}
    month = next_month(month_of(begin, zone))
    while (start := month_begin(month, zone)) <= until:
        moments.add(start)
        month = next_month(month)
    starts = [begin, *sorted(moment for moment in moments if moment > begin)]
    return [Period(moment, day_of(moment), month_of(moment, zone)) for moment in starts]
