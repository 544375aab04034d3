"""Defines `flask up`, `flask demo` and `flask sandbox`, which run until they are stopped."""

import os
import sys
from pathlib import Path

import click
from rich.console import Console

from admin.cli.shared import Command, runtime_here
from admin.demo.run import SPEED, run_demo
from admin.server.up import DEFAULT_WORKERS, MAX_WORKERS, Plan, run_up

ROOT = Path(__file__).resolve().parent.parent.parent


@click.command("up", cls=Command)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option(
    "--workers", type=click.IntRange(1, MAX_WORKERS), default=DEFAULT_WORKERS, show_default=True, help="Senders."
)
@click.option(
    "--panel-port", type=click.IntRange(1, 65535), help="The panel's own port; --port is then for webhooks alone."
)
def up(host: str, port: int, workers: int, panel_port: int | None) -> None:
    """Everything in one terminal: migrations, Redis if none is given, web, workers, ingest, schedules."""
    settings = runtime_here().settings
    sys.exit(run_up(settings, Plan(host, port, workers, panel_port), sys.stdout, click.echo))


@click.command("demo", cls=Command)
@click.option("--contacts", type=int, default=1000, show_default=True, help="How many people.")
@click.option(
    "--exit", "exit_when_done", is_flag=True, help="End by itself: exit status 0 only if every number adds up."
)
@click.option("--port", type=click.IntRange(1, 65535), help="The panel's port (default: 8000, or any that is free).")
@click.option(
    "--speed", type=click.FloatRange(0.1, 100), default=SPEED, show_default=True, help="How quick the people are."
)
@click.option("--directory", type=click.Path(path_type=Path), hidden=True, help="Wiped and used instead of var/demo.")
def demo(contacts: int, exit_when_done: bool, port: int | None, speed: float, directory: Path | None) -> None:
    """A whole campaign against a simulated Meta, watched to its end."""
    sys.exit(run_demo(Console(), contacts, exit_when_done=exit_when_done, port=port, speed=speed, directory=directory))


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
