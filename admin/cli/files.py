"""Shared by the commands that import a file: the `--map` and `--refused` options, the progress bar, the report."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from admin.cli.shared import fail, print_json
from jobs.core.loader import load
from jobs.imports import result as import_result
from jobs.imports.result import write_rejects
from models.files import open_private

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


def report(file: Path, refused_file: Path | None, data: dict[str, Any], refused_total: int) -> None:
    """Print the result and write the refused rows; with any, print one line about them and exit with status 1."""
    print_json(data)
    refused = data["refused"]
    if refused_file is not None:
        write_rejects(file, refused, refused_file)
    if refused:
        first = refused[0]
        fail(f"{file}: {refused_total} rows were refused, the first on line {first['line']}: {first['reason']}")


def is_terminal() -> bool:
    """Whether standard error is a terminal."""
    return sys.stderr.isatty()
