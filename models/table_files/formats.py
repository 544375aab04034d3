"""The formats in which a table is written, by the ending of a file's name."""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from models.table_files.csv_file import csv_chunks
from models.table_files.xlsx import xlsx_chunks


class TableFormat(StrEnum):
    """A format of files with one table."""

    CSV = "csv"
    XLSX = "xlsx"

    @property
    def mimetype(self) -> str:
        """The type of such a file, as HTTP names it."""
        workbook = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        return workbook if self is TableFormat.XLSX else "text/csv"


def format_of(path: Path) -> TableFormat:
    """The format of a file by its name; CSV for any other than XLSX."""
    return TableFormat.XLSX if path.suffix.lower() == ".xlsx" else TableFormat.CSV


def table_chunks(
    table_format: TableFormat, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, for_excel: bool = False
) -> Iterator[bytes]:
    """Yield a file with a heading and these rows. `for_excel` concerns CSV alone: by a mark Excel knows UTF-8."""
    if table_format is TableFormat.XLSX:
        return xlsx_chunks(columns, rows)
    return csv_chunks(columns, rows, for_excel=for_excel)
