"""Amounts of money as whole millionths of the currency's unit, so that sums of a million messages are exact."""

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from models.errors import OperatorError

MICRO = 1_000_000
MAX_AMOUNT = Decimal(1_000_000_000)
_CURRENCY = re.compile(r"[A-Z]{3}")
_NUMBER = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,6})?")


def read_amount(given: Any, where: str = "amount") -> int:
    """Millionths of a written amount. Refused unless it is a plain decimal number of at most six decimals."""
    text = _plain(given) if isinstance(given, float) else str(given).strip()
    if isinstance(given, bool) or not _NUMBER.fullmatch(text):
        raise OperatorError(
            "{where}={given!r}: allowed is a number such as 0.0615, with at most six decimals",
            where=where,
            given=str(given)[:40],
        )
    if Decimal(text) > MAX_AMOUNT:
        raise OperatorError(
            "{where}={text}: allowed are at most {max_amount}", where=where, text=text, max_amount=MAX_AMOUNT
        )
    return int(Decimal(text) * MICRO)


def read_currency(given: Any, where: str = "currency") -> str:
    """An ISO 4217 code. Refused otherwise."""
    code = str(given).strip().upper()
    if not _CURRENCY.fullmatch(code):
        raise OperatorError(
            "{where}={given!r}: allowed is a code of three letters, such as EUR", where=where, given=str(given)[:40]
        )
    return code


def show_amount(micro: int) -> str:
    """With at least two decimals, and no more than it has."""
    whole, part = divmod(abs(micro), MICRO)
    decimals = f"{part:06d}".rstrip("0").ljust(2, "0")
    return f"{'-' if micro < 0 else ''}{whole}.{decimals}"


def _plain(number: float) -> str:
    """YAML hands amounts over as floats: what was written, without an exponent."""
    try:
        return format(Decimal(repr(number)), "f")
    except InvalidOperation:
        return repr(number)
