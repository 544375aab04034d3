"""The base of every command: errors as one line, data on standard output, exit codes 0, 1 and 2."""

import errno
import json
import logging
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from flask import current_app, has_app_context
from flask.cli import ScriptInfo
from sqlalchemy.exc import OperationalError, ProgrammingError

from admin.cli.dotenv import remove_flask_dotenv
from admin.cli.usage import OneLineUsageError, one_line
from jobs.core.loader import load
from jobs.core.runtime import Runtime
from models.config import load_settings
from models.errors import OperatorError

ACTOR = "cli"

as_json = click.option("--json", "is_json", is_flag=True, help="Print data as JSON.")


class _OneLiner(click.Command):
    """Turns every error into one line on standard error."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Parse the arguments; wrong usage exits 2."""
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.UsageError as error:
            raise _one_line(error) from error

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command in an application context; an error exits 1."""
        if not has_app_context():
            ctx.with_resource(ctx.ensure_object(ScriptInfo).load_app().app_context())
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            raise _one_line(error) from error
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:  # noqa: BLE001 - a user never sees a traceback
            fail(error_line(error))


class Command(_OneLiner):
    """A command that reports every error in one line."""


class Group(_OneLiner, click.Group):
    """A group of such commands."""

    command_class = Command


def _one_line(error: click.UsageError) -> click.UsageError:
    return error if isinstance(error, OneLineUsageError) else OneLineUsageError(error.format_message(), error.ctx)


def fail(text: str) -> None:
    """Print one line to standard error and exit with status 1."""
    click.echo(one_line(text), err=True)
    sys.exit(1)


def error_line(error: Exception) -> str:
    """Return the line that a user reads about an error."""
    if isinstance(error, OperatorError):
        return str(error)
    if isinstance(error, OperationalError | ProgrammingError):
        return _database_sentence(error)
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return f"the disk is full: {error.filename or 'nothing could be written'}; nothing more was changed"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, UnicodeDecodeError):
        return "the file is not UTF-8 text"
    text: str = load("admin.cli.errors:explain_error")(error)
    return text


def _database_sentence(error: OperationalError | ProgrammingError) -> str:
    text = " ".join(str(error.orig).split())
    if any(hint in text for hint in ("disk is full", "No space left", "disk I/O error")):
        return (
            f"the disk of the database takes no writes ({text[:100]}); nothing was changed: make room and do it again"
        )
    if any(hint in text for hint in ("no such table", "no such column", "does not exist")):
        return "the database has no tables yet, or older ones: run flask db upgrade"
    return f"the database cannot be reached ({text[:200]})"


def runtime_here() -> Runtime:
    """Return the runtime of the application whose command runs. Raises SettingsError if the environment is wrong."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    extensions = current_app.extensions
    if "hark" not in extensions:
        remove_flask_dotenv()
        extensions["hark"] = Runtime(load_settings())
    rt: Runtime = extensions["hark"]
    return rt


def print_json(data: Any) -> None:
    """Print data to standard output."""
    click.echo(json.dumps(data, ensure_ascii=False, indent=2, default=_plain))


def print_table(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    """Print rows in columns of even width, under a head line."""
    texts = [[_cell(row.get(column)) for column in columns] for row in rows]
    widths = [max(len(line[place]) for line in [list(columns), *texts]) for place in range(len(columns))]
    for line in [list(columns), *texts]:
        click.echo("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def read_stdin(what: str) -> str:
    """Read a secret from standard input; on a terminal it is typed without echo. Raises OperatorError if it is empty."""
    text = click.prompt(what, hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline()
    text = str(text).strip()
    if not text:
        raise OperatorError("{what}: standard input was empty", what=what)
    return text


def existing_file() -> click.Path:
    """Return the type of a parameter that names a file to read. A missing file is reported when it is opened."""
    return click.Path(path_type=Path)


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
