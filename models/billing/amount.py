"""Reads and formats amounts of money: whole millionths of the currency's unit, so that sums of a million messages are exact."""

import re
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

from models.errors import OperatorError
from models.tables.order import MILLI

MICRO = 1_000_000
MAX_AMOUNT = Decimal(1_000_000_000)
_CURRENCY = re.compile(r"[A-Z]{3}")
_NUMBER = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,6})?")


def read_amount(value: Any, where: str = "amount") -> int:
    """Convert an amount to millionths; `where` names it in the error.

    Raises OperatorError if it is not a plain decimal number with at most six decimals, or above `MAX_AMOUNT`.
    """
    text = _decimal_text(value) if isinstance(value, float) else str(value).strip()
    if isinstance(value, bool) or not _NUMBER.fullmatch(text):
        raise OperatorError(
            "{where}={given!r}: allowed is a number such as 0.0615, with at most six decimals",
            where=where,
            given=str(value)[:40],
        )
    if Decimal(text) > MAX_AMOUNT:
        raise OperatorError(
            "{where}={text}: allowed are at most {max_amount}", where=where, text=text, max_amount=MAX_AMOUNT
        )
    return int(Decimal(text) * MICRO)


def read_currency(value: Any, where: str = "currency") -> str:
    """Return an ISO 4217 code in upper case. Raises OperatorError if it is not three letters."""
    code = str(value).strip().upper()
    if not _CURRENCY.fullmatch(code):
        raise OperatorError(
            "{where}={given!r}: allowed is a code of three letters, such as EUR", where=where, given=str(value)[:40]
        )
    return code


def read_cost(value: Any) -> int | None:
    """Convert an amount of Meta's JSON (0.035, 3.5e-2 or "0.035") to millionths; None if it is no amount of money.

    A float is taken by its shortest decimal text, as Meta wrote it. More than six decimals are rounded half to even.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = Decimal(repr(value) if isinstance(value, float) else str(value).strip())
    except InvalidOperation:
        return None
    if not amount.is_finite() or amount < 0 or amount > MAX_AMOUNT:
        return None
    return int((amount * MICRO).to_integral_value(ROUND_HALF_EVEN))


def show_amount(micro: int) -> str:
    """Format millionths with at least two decimals and no trailing zeros after them."""
    whole, part = divmod(abs(micro), MICRO)
    decimals = f"{part:06d}".rstrip("0").ljust(2, "0")
    return f"{'-' if micro < 0 else ''}{whole}.{decimals}"


def show_milli(milli: int) -> str:
    """The same of thousandths, in which orders keep their amounts."""
    return show_amount(milli * (MICRO // MILLI))


def _decimal_text(number: float) -> str:
    """Convert a float, as YAML parses amounts, to the decimal text without an exponent."""
    try:
        return format(Decimal(repr(number)), "f")
    except InvalidOperation:
        return repr(number)
