"""Determines the country by which a message is billed: that of the number's calling code (docs/meta.md §8).

SQL extracts a short text, the price area, from the contact, and queries group by it; `country_of` resolves it once per group. The
launch stores it on the recipient, so that the price of a person who is redacted later does not change.
"""

from functools import lru_cache

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE
from sqlalchemy import ColumnElement, case, func, literal
from sqlalchemy.sql.selectable import FromClause

from models.contacts.phone import north_american_country

NETWORKS = "001"
"""libphonenumber's region of numbers that belong to no country."""


def price_area(contact: FromClause) -> ColumnElement[str]:
    """Return SQL for the price area, such as `ES+346`: the contact's country and the first digits of the number, enough to
    distinguish countries.
    """
    columns = contact.c
    number = func.coalesce(columns.phone, literal("+") + columns.wa_id, literal(""))
    digits = case((func.substr(number, 1, 2) == "+1", func.substr(number, 1, 5)), else_=func.substr(number, 1, 4))
    return func.coalesce(columns.country, literal("")) + digits


def area_of(country: str | None, phone: str | None) -> str:
    """Return the price area of one contact, as `price_area` does in SQL. `phone` is in E.164 form."""
    number = phone or ""
    return (country or "") + number[: 5 if number.startswith("+1") else 4]


@lru_cache(maxsize=20_000)
def country_of(area: str) -> str | None:
    """Return the country of a price area: that of the calling code; if several share it, the contact's if it is one of them.

    None: unknown.
    """
    country, _, digits = area.partition("+")
    regions = _regions(digits)
    if not regions:
        return country or None
    if country in regions:
        return country
    if digits.startswith("1") and len(digits) == 4:
        return north_american_country(digits[1:])
    return regions[0] if regions[0] != NETWORKS else None


def _regions(digits: str) -> tuple[str, ...]:
    for length in (1, 2, 3):
        if len(digits) >= length and (regions := COUNTRY_CODE_TO_REGION_CODE.get(int(digits[:length]))):
            return tuple(regions)
    return ()
