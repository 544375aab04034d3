"""flask sandbox."""

import os
import sys
from pathlib import Path

import click

from admin.cli.shared import Command

ROOT = Path(__file__).resolve().parent.parent.parent


@click.command(
    "sandbox",
    cls=Command,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def sandbox(arguments: tuple[str, ...]) -> None:
    """The simulated Meta alone; its own --help tells the options."""
    os.chdir(ROOT)
    # A program of its own: nothing of production imports it.
    os.execv(sys.executable, [sys.executable, "-m", "bot.sandbox", *arguments])  # noqa: S606 - this interpreter, no shell
