"""Shows how an import file is read (its encoding, its sheet, the row of its header), and reads what an operator chooses instead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from jobs.imports.code_pages import LABELS
from jobs.imports.encoding import UnclearEncodingError
from jobs.imports.preview import Preview, first_lines, preview
from jobs.imports.reader import SheetChoices, SourceLine
from models.errors import OperatorError

NO_HEADER = "0"
_MAX_CHARACTERS = 70
_MAX_SHEET_NAME = 100
Options = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class FileReading:
    """How a file is read. Its `beginning` is an error where the encoding is not certain, and has to be chosen."""

    choices: SheetChoices
    beginning: Preview | UnclearEncodingError
    encodings: Options
    sheets: Options
    header_rows: Options

    @property
    def file(self) -> Preview | None:
        """The beginning of the file, if it could be read."""
        return self.beginning if isinstance(self.beginning, Preview) else None

    @property
    def shown(self) -> dict[str, str]:
        """What the select fields show."""
        file = self.file
        if file is None:
            return {"encoding": "", "sheet": "", "header_row": ""}
        return {"encoding": file.encoding or "", "sheet": file.sheet or "", "header_row": str(file.header_row)}

    @property
    def as_shown(self) -> SheetChoices:
        """The choices by which the file is read as it is shown, whatever would be recognised later."""
        file = self.file
        if file is None:
            return self.choices
        return replace(self.choices, encoding=file.encoding, sheet=file.sheet, header_row=file.header_row)

    @property
    def encoding_label(self) -> str:
        """What the encoding is called."""
        encoding = self.shown["encoding"]
        return LABELS.get(encoding, encoding)

    def choices_in(self, form: Mapping[str, str]) -> SheetChoices:
        """The choices of a form. Raises OperatorError if they are not offered."""
        fields = {name: form.get(name, shown).strip() for name, shown in self.shown.items()}
        if fields["encoding"] not in {"", self.shown["encoding"], *LABELS}:
            raise OperatorError("“{name}” is no encoding that can be chosen.", name=fields["encoding"][:40])
        row = fields["header_row"]
        if row and not (row.isdecimal() and len(row) <= 7):
            raise OperatorError("Choose the line that names the columns.")
        # Of another sheet, the header is looked for anew.
        is_other_sheet = fields["sheet"] != self.shown["sheet"]
        header_row = int(row) if row and not is_other_sheet else None
        return SheetChoices(fields["encoding"] or None, fields["sheet"][:_MAX_SHEET_NAME] or None, header_row)


def read_file(path: Path, rows: int, choices: SheetChoices) -> FileReading:
    """How the file is read with these choices. Raises BadFileError if it cannot be."""
    try:
        beginning = preview(path, rows, choices)
    except UnclearEncodingError as error:
        return FileReading(choices, error, _encodings(error), [], [])
    as_read = replace(choices, encoding=beginning.encoding, sheet=beginning.sheet)
    encodings = [(name, label) for name, label in LABELS.items() if beginning.encoding]
    if beginning.encoding and beginning.encoding not in LABELS:
        encodings.insert(0, (beginning.encoding, beginning.encoding))
    sheets = [(title, title) for title in beginning.sheets]
    header_rows = _header_rows(first_lines(path, as_read), beginning.header_row, is_sheet=bool(sheets))
    return FileReading(choices, beginning, encodings, sheets, header_rows)


def _encodings(error: UnclearEncodingError) -> Options:
    """The likely ones first, with words of the file as each of them reads it."""
    likely = [(name, f"{LABELS.get(name, name)}: {', '.join(words)}") for name, words in error.readings.items()]
    return likely + [(name, label) for name, label in LABELS.items() if name not in error.readings]


def _header_rows(lines: Sequence[SourceLine], header_row: int, *, is_sheet: bool) -> Options:
    word = "Row" if is_sheet else "Line"
    options = [
        (str(line.number), f"{word} {line.number}: {_shortened(line.cells)}") for line in lines if not line.problem
    ]
    if header_row and str(header_row) not in dict(options):
        options.append((str(header_row), f"{word} {header_row}"))
    return [*options, (NO_HEADER, "None: the file has no names for its columns")]


def _shortened(cells: Sequence[str]) -> str:
    text = " · ".join(cell.strip() for cell in cells if cell.strip())
    return text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}…"
