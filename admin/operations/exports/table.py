"""Writes the table of a list, with the columns that were chosen, as a stream or into a file. Every export is audited first."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from admin.operations.exports.record import record_export
from jobs.core.runtime import Runtime
from models.errors import OperatorError
from models.files import replace_file
from models.table_files.formats import TableFormat, format_of, table_chunks

Cells = Sequence[Any]


@dataclass(frozen=True)
class ExportTable:
    """A list that can be taken out. `kind` and `object_id` are what the audit says; `rows` begins to read when it is iterated.

    No transaction is open while a row is consumed, and nothing of a row is kept.
    """

    kind: str
    object_id: object
    columns: tuple[str, ...]
    rows: Callable[[], Iterable[Cells]]

    def only(self, names: Iterable[str]) -> "ExportTable":
        """The same list with these columns alone, in the list's own order; with none named all of them.

        Raises OperatorError if one is not there.
        """
        chosen = set(names)
        if unknown := sorted(chosen - set(self.columns)):
            raise OperatorError(
                "column {name!r}: allowed are {columns}", name=unknown[0][:40], columns=", ".join(self.columns)
            )
        if not chosen or chosen == set(self.columns):
            return self
        places = [place for place, name in enumerate(self.columns) if name in chosen]
        columns = tuple(self.columns[place] for place in places)
        rows = self.rows
        return ExportTable(
            self.kind, self.object_id, columns, lambda: ([cells[place] for place in places] for cells in rows())
        )


def stream_table(
    rt: Runtime, table: ExportTable, table_format: TableFormat, actor: str, *, for_excel: bool = False
) -> Iterator[bytes]:
    """Note the export, and return its file in chunks. `for_excel`: a CSV file begins with the mark by which Excel knows UTF-8."""
    record_export(rt, actor, table.kind, table.object_id)
    return table_chunks(table_format, table.columns, table.rows(), for_excel=for_excel)


def write_table(rt: Runtime, table: ExportTable, path: Path, actor: str, *, for_excel: bool = False) -> int:
    """Write the file in the format of its ending, atomically; returns the number of rows.

    Raises OSError if it cannot be written.
    """
    count = 0

    def counted() -> Iterator[Cells]:
        nonlocal count
        for cells in table.rows():
            count += 1
            yield cells

    record_export(rt, actor, table.kind, table.object_id)
    with replace_file(path) as file:
        for chunk in table_chunks(format_of(path), table.columns, counted(), for_excel=for_excel):
            file.write(chunk)
    return count
