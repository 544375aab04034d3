"""What the commands that take over a file have in common: other names for its columns, a bar that moves, the refused rows."""

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


def _read_map(_ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    names: dict[str, str] = {}
    for text in given:
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
def taking(file: Path, refused_file: Path | None) -> Iterator[import_result.Progress | None]:
    """While the file is taken over: a bar on standard error where that is a terminal. The refused rows' file must be writable."""
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
    """Print what came of it and write what was refused; one line and exit status 1 where something was."""
    print_json(data)
    refused = data["refused"]
    if refused_file is not None:
        write_rejects(file, refused, refused_file)
    if refused:
        first = refused[0]
        fail(f"{file}: {refused_total} rows were refused, the first on line {first['line']}: {first['reason']}")


def is_terminal() -> bool:
    """Whether a person sees standard error."""
    return sys.stderr.isatty()
