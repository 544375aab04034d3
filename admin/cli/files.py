"""Shared by the commands that import a file: the `--map` and `--refused` options, the progress bar, the report."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from admin.cli.shared import fail, print_json
from jobs.core.loader import load
from jobs.imports import result as import_result
from jobs.imports.reader import NO_CHOICES, SheetChoices
from jobs.imports.result import write_rejects
from models.files import open_private
from models.imports.contact_row import IMPORTABLE

Function = Callable[..., Any]


def _read_map(_ctx: click.Context, _param: click.Parameter, pairs: tuple[str, ...]) -> dict[str, str]:
    names: dict[str, str] = {}
    for text in pairs:
        column, equals, name = text.rpartition("=")
        if not equals or not column.strip():
            raise click.BadParameter(f"{text!r} is not COLUMN=FIELD")
        names[column.strip()] = name.strip()
    return names


as_map = click.option(
    "--map",
    "columns",
    metavar="COLUMN=FIELD",
    multiple=True,
    callback=_read_map,
    help="Take a column of the file as this field; without a field it is left out. May be given several times.",
)


def _read_consents(_ctx: click.Context, _param: click.Parameter, text: str) -> dict[str, str]:
    meanings: dict[str, str] = {}
    for pair in filter(None, (pair.strip() for pair in text.split(","))):
        word, equals, meaning = (part.strip() for part in pair.partition("="))
        if not equals or not word or meaning not in {"", *IMPORTABLE}:
            raise click.BadParameter(f"{pair!r} is not WORD=CONSENT; allowed are {', '.join(IMPORTABLE)} and nothing")
        meanings[word.lower()] = meaning
    return meanings


as_consents = click.option(
    "--consent",
    "consents",
    metavar="WORD=CONSENT,…",
    default="",
    callback=_read_consents,
    help="What the words of the consent column mean, such as yes=subscribed,no=not_subscribed. A word without a consent, and one "
    "that is not named, leaves the consent as it was.",
)


def as_choices(function: Function) -> Function:
    """Add `--encoding`, `--sheet` and `--header-row`."""
    function = click.option(
        "--header-row",
        type=click.IntRange(min=0),
        default=None,
        help="The line that names the columns; 0 if there is none: they are called “column 1” and so on. Else it is recognised.",
    )(function)
    function = click.option(
        "--sheet", default=None, help="The sheet of a workbook; else the first visible one with a phone."
    )(function)
    return click.option(
        "--encoding", default=None, help="The encoding of a CSV file, such as cp1250; else it is recognised."
    )(function)


def read_choices(
    encoding: str | None, sheet: str | None, header_row: int | None, columns: Mapping[str, str]
) -> SheetChoices:
    """How the file is to be read; the header is recognised by the columns that `--map` names, too."""
    return SheetChoices(encoding, sheet, header_row, frozenset({"phone", *(name.lower() for name in columns)}))


as_refused = click.option(
    "--refused",
    "refused_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the refused rows to this file, with line and reason, as CSV.",
)


@contextmanager
def import_progress(file: Path, refused_file: Path | None) -> Iterator[import_result.Progress | None]:
    """Show a progress bar on standard error during an import; yields None if standard error is no terminal.

    Raises UsageError if the refused rows would overwrite the file itself, and OSError if their file cannot be written.
    """
    if refused_file is not None:
        if refused_file.exists() and file.exists() and refused_file.samefile(file):
            raise click.UsageError("--refused names the file itself")
        open_private(refused_file, "ab").close()
    if not is_terminal():
        yield None
        return
    with load("admin.cli.progress_bar:progress_bar")() as progress:
        yield progress


def report(
    file: Path,
    refused_file: Path | None,
    data: dict[str, Any],
    refused_total: int,
    choices: SheetChoices = NO_CHOICES,
) -> None:
    """Print the result and write the refused rows; with any, print one line about them and exit with status 1."""
    print_json(data)
    refused = data["refused"]
    if refused_file is not None:
        # As it was read: the country of a number may have told the encoding.
        write_rejects(file, refused, refused_file, replace(choices, encoding=data.get("encoding") or choices.encoding))
    if refused:
        first = refused[0]
        fail(f"{file}: {refused_total} rows were refused, the first on line {first['line']}: {first['reason']}")


def is_terminal() -> bool:
    """Whether standard error is a terminal."""
    return sys.stderr.isatty()
