"""Reads a rate card from a CSV or YAML file, and checks all of it before anything is stored."""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from models.billing.amount import read_amount, read_currency
from models.billing.rate_cards import ANY_COUNTRY, CATEGORIES, Price, plain_category
from models.contacts.phone import is_country
from models.errors import OperatorError

COLUMNS = ("country", "category", "amount", "currency", "valid_from")
MAX_BYTES = 2_000_000
MAX_ROWS = 20_000
YAML_ENDINGS = {".yaml", ".yml"}

Row = tuple[str, Mapping[str, Any]]
"""The position in the file, for errors, and the values by column."""


@dataclass(frozen=True)
class RateFile:
    """The prices of a file, all in one currency, no two for the same country, category and day."""

    currency: str
    prices: tuple[Price, ...]


def read_rate_file(path: Path) -> RateFile:
    """Read a file; the suffix decides between YAML and CSV. Raises OperatorError at the first error, with its line."""
    with path.open("rb") as file:
        raw = file.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise OperatorError("{path}: allowed are {max_bytes} MB", path=path, max_bytes=MAX_BYTES // 1000000)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise OperatorError("{path}: the file is not UTF-8 text", path=path) from None
    if "\x00" in text:
        raise OperatorError("{path}: the file holds NUL bytes, so it is no text", path=path)
    rows = _yaml_rows(path, text) if path.suffix.lower() in YAML_ENDINGS else _csv_rows(path, text)
    return _rate_file(path, rows)


def _rate_file(path: Path, rows: Iterator[Row]) -> RateFile:
    prices: dict[tuple[str, str, date], Price] = {}
    currency = None
    for where, row in rows:
        if len(prices) >= MAX_ROWS:
            raise OperatorError("{path}: allowed are {max_rows} prices", path=path, max_rows=MAX_ROWS)
        price = _price(where, row)
        row_currency = read_currency(row.get("currency") or "", f"{where}: currency")
        if row_currency != (currency or row_currency):
            raise OperatorError(
                "{where}: currency={own}: the rows before are in {currency}; a card has one currency",
                where=where,
                own=row_currency,
                currency=currency,
            )
        currency = row_currency
        key = (price.country, price.category, price.valid_from)
        if key in prices:
            raise OperatorError(
                "{where}: {country} {category} from {valid_from} was given before",
                where=where,
                country=price.country,
                category=price.category,
                valid_from=price.valid_from,
            )
        prices[key] = price
    if currency is None:
        raise OperatorError("{path}: it holds no price", path=path)
    return RateFile(currency, tuple(prices.values()))


def _price(where: str, row: Mapping[str, Any]) -> Price:
    country = str(row.get("country") or "").strip().upper()
    if country != ANY_COUNTRY and not is_country(country):
        raise OperatorError(
            "{where}: country={country!r}: allowed is a code such as ES, or * for all others",
            where=where,
            country=country[:20],
        )
    category = plain_category(str(row.get("category") or ""))
    if category not in CATEGORIES:
        raise OperatorError(
            "{where}: category={category!r}: allowed are {allowed}",
            where=where,
            category=category[:40],
            allowed=", ".join(CATEGORIES),
        )
    amount = read_amount("" if row.get("amount") is None else row["amount"], f"{where}: amount")
    return Price(country, category, _day(where, row.get("valid_from")), amount)


def _day(where: str, value: Any) -> date:
    try:
        return value if type(value) is date else date.fromisoformat(str(value or "").strip())
    except ValueError:
        raise OperatorError(
            "{where}: valid_from={given!r}: allowed is a day such as 2026-10-01", where=where, given=str(value)[:20]
        ) from None


def _csv_rows(path: Path, text: str) -> Iterator[Row]:
    """Yield the rows of a CSV file. Lines that begin with # are comments."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    columns: list[str] | None = None
    try:
        for cells in reader:
            where = f"{path}: line {reader.line_num}"
            if not any(cell.strip() for cell in cells) or cells[0].lstrip().startswith("#"):
                continue
            if columns is None:
                columns = _columns(where, cells)
            elif len(cells) != len(columns):
                raise OperatorError(
                    "{where}: {count} cells under {count_2} columns",
                    where=where,
                    count=len(cells),
                    count_2=len(columns),
                )
            else:
                yield where, dict(zip(columns, cells, strict=True))
    except csv.Error as error:
        raise OperatorError(
            "{path}: line {line_num}: is no CSV ({error})", path=path, line_num=reader.line_num, error=error
        ) from None


def _columns(where: str, cells: list[str]) -> list[str]:
    columns = [cell.strip().lower() for cell in cells]
    if sorted(columns) != sorted(COLUMNS):
        raise OperatorError("{where}: the columns must be {allowed}", where=where, allowed=",".join(COLUMNS))
    return columns


def _yaml_rows(path: Path, text: str) -> Iterator[Row]:
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        raise OperatorError("{path}: line {line}: is no YAML", path=path, line=mark.line + 1 if mark else 1) from None
    if not isinstance(data, dict) or not isinstance(data.get("rates"), list) or set(data) - {"currency", "rates"}:
        raise OperatorError("{path}: allowed are currency and rates, a list of prices", path=path)
    for place, row in enumerate(data["rates"], start=1):
        where = f"{path}: rates[{place}]"
        if not isinstance(row, dict) or set(row) - set(COLUMNS):
            raise OperatorError("{where}: allowed are {allowed}", where=where, allowed=", ".join(COLUMNS))
        # YAML reads the country NO, unless it is quoted, as false.
        country = "NO" if row.get("country") is False else row.get("country")
        yield where, {"currency": data.get("currency")} | row | {"country": country}
