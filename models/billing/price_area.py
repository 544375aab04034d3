"""Which country a message is billed under: by the number's calling code (docs/meta.md §8).

SQL cuts a short text out of the contact, and people are grouped by it; what country it means is found here, once for each
group. The launch keeps the text on the recipient, so a person who is redacted later is still billed as before.
"""

from functools import lru_cache

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE
from sqlalchemy import ColumnElement, case, func, literal
from sqlalchemy.sql.selectable import FromClause

from models.contacts.phone import north_american_country

NETWORKS = "001"
"""How libphonenumber calls numbers that belong to no country."""


def price_area(contact: FromClause) -> ColumnElement[str]:
    """`ES+346`: the record's country and the first digits of its number, as many as tell countries apart."""
    columns = contact.c
    number = func.coalesce(columns.phone, literal("+") + columns.wa_id, literal(""))
    digits = case((func.substr(number, 1, 2) == "+1", func.substr(number, 1, 5)), else_=func.substr(number, 1, 4))
    return func.coalesce(columns.country, literal("")) + digits


@lru_cache(maxsize=20_000)
def country_of(area: str) -> str | None:
    """The country of a price area: its calling code's; where several share one, the record's among them. None: unknown."""
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
        if len(digits) >= length and (found := COUNTRY_CODE_TO_REGION_CODE.get(int(digits[:length]))):
            return tuple(found)
    return ()
