"""Makes a month's statement for command line and panel: totals by number, campaign, category and country, and files of its rows."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from io import StringIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from admin.operations.answers import read_month
from admin.operations.exports.record import record_export
from jobs.core.loader import load
from jobs.core.runtime import Runtime
from models.billing.amount import MICRO, show_amount
from models.billing.months import month_of
from models.billing.statement import StatementRow, months_with_charges, statement_rows
from models.clock import utcnow
from models.db.engine import zone_of
from models.errors import OperatorError
from models.files import replace_file
from models.spreadsheets import BYTE_ORDER_MARK, protect

COLUMNS = (
    "month", "number", "campaign_id", "campaign", "kind", "category", "country", "messages", "currency", "amount",
)  # fmt: skip
ANSWERS = "answers"
"""What stands for the campaign where messages of bots and agents were charged."""
CHUNK = 64 * 1024
_GROUPS: dict[str, Callable[[StatementRow], tuple[Any, ...]]] = {
    "numbers": lambda row: (row.number_id, row.number),
    "campaigns": lambda row: (row.campaign_id or 0, row.campaign if row.campaign_id else ANSWERS),
    "categories": lambda row: (row.category, row.category),
    "countries": lambda row: (row.country or "", row.country),
}


def month_statement(rt: Runtime, month: str | None = None) -> dict[str, Any]:
    """Return `month`, `totals`, the totals by `numbers`, `campaigns`, `categories` and `countries`, `unknown`, and `months`.

    Every total is of one currency; `unknown` counts the messages whose price is unknown, which no total has in it. `months` are
    those in which anything was charged. Raises OperatorError if `month` is none such as 2026-11.
    """
    with rt.database.read() as session:
        first_day = read_month(month) if month else month_of(utcnow(), zone_of(session))
        rows = list(statement_rows(session, first_day))
        months = [f"{day:%Y-%m}" for day in months_with_charges(session)]
    return {
        "month": f"{first_day:%Y-%m}",
        "totals": [line for line in _totals(rows, lambda _: ("", None)) if line["currency"]],
        "unknown": sum(row.messages for row in rows if row.charged is None),
        **{name: _totals(rows, key) for name, key in _GROUPS.items()},
        "months": months,
    }


def statement_lines(rt: Runtime, month: str | None, actor: str, *, for_excel: bool = False) -> Iterator[str]:
    """Return the rows of a month as lines of CSV. The export is audited. Raises OperatorError if `month` is none."""
    first_day = _begin(rt, month, actor)
    return _csv_lines(rt, first_day, for_excel=for_excel)


def statement_workbook(rt: Runtime, month: str | None, actor: str) -> Iterator[bytes]:
    """Return the rows of a month as an XLSX file, in pieces. The export is audited. Raises OperatorError if `month` is none."""
    first_day = _begin(rt, month, actor)
    return _pieces(rt, first_day)


def write_statement(rt: Runtime, month: str | None, path: Path, actor: str) -> int:
    """Write the rows of a month to a file: XLSX by its ending, else CSV; returns their number.

    Raises OperatorError if `month` is none, and OSError if the file cannot be written.
    """
    first_day = _begin(rt, month, actor)
    if path.suffix.lower() not in {".xlsx", ".csv"}:
        raise OperatorError("{name}: allowed is a file that ends in .xlsx or .csv", name=path.name)
    with replace_file(path) as file:
        if path.suffix.lower() == ".xlsx":
            return _write_workbook(rt, first_day, file)
        count = -1
        for line in _csv_lines(rt, first_day, for_excel=False):
            file.write(line.encode())
            count += 1
        return count


def _begin(rt: Runtime, month: str | None, actor: str) -> date:
    with rt.database.read() as session:
        first_day = read_month(month) if month else month_of(utcnow(), zone_of(session))
    record_export(rt, actor, "statement", f"{first_day:%Y-%m}")
    return first_day


def _totals(rows: Iterable[StatementRow], key: Callable[[StatementRow], tuple[Any, ...]]) -> list[dict[str, Any]]:
    """Sums by key and currency, in the order of the keys; `amount` null where the price is unknown."""
    sums: dict[tuple[Any, ...], list[int]] = {}
    names: dict[Any, Any] = {}
    for row in rows:
        identity, name = key(row)
        names[identity] = name
        found = sums.setdefault((identity, row.currency or ""), [0, 0])
        found[0] += row.messages
        found[1] += row.charged or 0
    return [
        {
            "id": identity,
            "name": names[identity],
            "messages": messages,
            "currency": currency or None,
            "amount": show_amount(charged) if currency else None,
        }
        for (identity, currency), (messages, charged) in sorted(sums.items())
    ]


def _cells(first_day: date, row: StatementRow) -> Sequence[Any]:
    """The cells of `COLUMNS`; an unknown price is an empty cell."""
    return (
        f"{first_day:%Y-%m}",
        row.number,
        row.campaign_id,
        row.campaign if row.campaign_id else ANSWERS,
        row.kind.value if row.kind else None,
        row.category,
        row.country,
        row.messages,
        row.currency,
        row.charged,
    )


def _csv_lines(rt: Runtime, first_day: date, *, for_excel: bool) -> Iterator[str]:
    yield (BYTE_ORDER_MARK if for_excel else "") + _csv(COLUMNS)
    with rt.database.read() as session:
        for row in statement_rows(session, first_day):
            *cells, charged = _cells(first_day, row)
            texts = [protect(cell) if isinstance(cell, str) else cell for cell in cells]
            yield _csv([*texts, None if charged is None else show_amount(charged)])


def _csv(cells: Sequence[Any]) -> str:
    buffer = StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(["" if cell is None else cell for cell in cells])
    return buffer.getvalue()


def _pieces(rt: Runtime, first_day: date) -> Iterator[bytes]:
    with TemporaryFile() as file:
        _write_workbook(rt, first_day, file)
        file.seek(0)
        while piece := file.read(CHUNK):
            yield piece


def _write_workbook(rt: Runtime, first_day: date, file: IO[bytes]) -> int:
    """Write row by row, in little memory. Texts are cells of text, so that none is run as a formula; amounts are numbers."""
    workbook = load("openpyxl:Workbook")(write_only=True)  # by name: only who writes a workbook waits for it
    sheet = workbook.create_sheet(f"{first_day:%Y-%m}")
    sheet.append(COLUMNS)
    count = 0
    with rt.database.read() as session:
        for row in statement_rows(session, first_day):
            *cells, charged = _cells(first_day, row)
            amount = None if charged is None else Decimal(charged) / MICRO
            sheet.append([_text_cell(sheet, cell) if isinstance(cell, str) else cell for cell in (*cells, amount)])
            count += 1
    workbook.save(file)
    return count


def _text_cell(sheet: Any, text: str) -> Any:
    cell = load("openpyxl.cell:WriteOnlyCell")(sheet, load("openpyxl.cell.cell:ILLEGAL_CHARACTERS_RE").sub("", text))
    cell.data_type = "s"
    return cell
