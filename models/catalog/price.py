"""Reads the price of a product from Meta's text, such as `12,90 €` or `12.90 EUR`, where it can mean one amount only.

Meta writes prices in the form of some locale (docs/meta.md §13): `1.290` may be a thousand and more, or little more than one.
A price that is read wrongly would be sent to people, so what may mean two things is no amount, and the text alone is kept.
"""

import re
from typing import NamedTuple

from babel.core import get_global

from models.billing.amount import MAX_AMOUNT, MICRO

_SYMBOLS = {
    "€": "EUR", "£": "GBP", "₹": "INR", "₺": "TRY", "₽": "RUB", "₪": "ILS", "₩": "KRW", "₫": "VND", "₴": "UAH", "₦": "NGN",
    "₱": "PHP", "฿": "THB", "₡": "CRC", "₲": "PYG", "₸": "KZT", "₼": "AZN", "₾": "GEL", "zł": "PLN", "Kč": "CZK", "R$": "BRL",
    "US$": "USD", "CA$": "CAD", "A$": "AUD", "AU$": "AUD", "NZ$": "NZD", "HK$": "HKD", "NT$": "TWD", "MX$": "MXN", "CN¥": "CNY",
    "JP¥": "JPY", "Ft": "HUF", "Rp": "IDR", "RM": "MYR", "S/": "PEN", "lei": "RON",
}  # fmt: skip
_SHARED_SYMBOLS = frozenset({"$", "¥", "￥", "kr", "kr.", "Kr", "Rs", "Rs."})
"""Signs of several currencies: the currency must be named beside the text."""
_WITHOUT_DECIMALS = frozenset(
    "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split()  # noqa: SIM905 - read as a list
)
_THREE_DECIMALS = frozenset("BHD IQD JOD KWD LYD OMR TND".split())  # noqa: SIM905
_PARTS = re.compile(r"(?P<before>[^0-9]*?)(?P<number>[0-9](?:[0-9.,'’ ]*[0-9])?)(?P<after>[^0-9]*)")
_SPACES = re.compile(r"[\s\u00a0\u202f\u2009]+")
_CODE = re.compile(r"[A-Z]{3}")
_MAX_TEXT = 60


class ReadPrice(NamedTuple):
    """An amount in millionths of a currency."""

    amount: int
    currency: str


def read_price(text: str | None, currency: str | None) -> ReadPrice | None:
    """Return the price that the text certainly means; None if it may mean another.

    `currency` is what Meta names beside the text, None if nothing. A text that names another currency is not read.
    """
    shown = _SPACES.sub(" ", text or "").strip()
    match = _PARTS.fullmatch(shown) if len(shown) <= _MAX_TEXT else None
    if match is None:
        return None
    named = (currency or "").strip().upper()
    marks = [mark for mark in (match["before"].strip(), match["after"].strip()) if mark]
    beside = named or next(filter(_CODE.fullmatch, marks), "")
    codes = {_currency_of(mark, beside) for mark in marks} | ({named} if named else set())
    code = codes.pop() if len(codes) == 1 else None
    if code is None or code not in get_global("all_currencies"):
        return None
    amount = _amount(match["number"], code, is_marked=bool(marks))
    return None if amount is None else ReadPrice(amount, code)


def _currency_of(mark: str, beside: str) -> str | None:
    """The currency of what stands beside the number; None if it is none, or one of several."""
    if _CODE.fullmatch(mark):
        return mark
    return beside or None if mark in _SHARED_SYMBOLS else _SYMBOLS.get(mark)


def _amount(number: str, currency: str, *, is_marked: bool) -> int | None:
    decimals = 0 if currency in _WITHOUT_DECIMALS else 3 if currency in _THREE_DECIMALS else 2
    separators = [character for character in number if not character.isdigit()]
    kinds = list(dict.fromkeys(separators))
    if not kinds:
        # Without a sign of the currency these may be cents, as Meta takes them when products are written.
        return _micro(number, "") if is_marked or decimals == 0 else None
    last = kinds[-1]
    if len(kinds) > 2 or (len(kinds) == 2 and (separators.count(last) > 1 or last not in ".,")):
        return None
    whole, _, tail = number.rpartition(last)
    if len(kinds) == 2:
        is_decimal = 0 < len(tail) <= decimals
        return _micro(_joined(whole, kinds[0]), tail) if is_decimal else None
    groups = _joined(number, last)
    if len(separators) > 1 or decimals == 0 or last not in ".,":
        return _micro(groups, "")
    return _micro(whole, tail) if whole.isdigit() and len(tail) <= 2 else None


def _joined(number: str, separator: str) -> str | None:
    """The digits of a number in groups of three; None if they are not grouped so."""
    first, *groups = number.split(separator)
    is_grouped = 0 < len(first) <= 3 and all(len(group) == 3 and group.isdigit() for group in groups)
    return first + "".join(groups) if is_grouped and first.isdigit() and not first.startswith("0") else None


def _micro(whole: str | None, decimals: str) -> int | None:
    if whole is None or len(whole) > 10:
        return None
    amount = int(whole) * MICRO + int(decimals.ljust(6, "0"))
    return amount if amount <= MAX_AMOUNT * MICRO else None
