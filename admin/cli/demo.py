"""flask demo."""

import sys
from pathlib import Path

import click
from rich.console import Console

from admin.cli.shared import Command
from admin.demo.run import SPEED, run_demo


@click.command("demo", cls=Command)
@click.option("--contacts", type=int, default=1000, show_default=True, help="How many people.")
@click.option("--exit", "leaves", is_flag=True, help="End by itself: exit status 0 only if every number adds up.")
@click.option("--port", type=click.IntRange(1, 65535), help="The panel's port (default: 8000, or any that is free).")
@click.option(
    "--speed", type=click.FloatRange(0.1, 100), default=SPEED, show_default=True, help="How quick the people are."
)
@click.option("--directory", type=click.Path(path_type=Path), hidden=True, help="Wiped and used instead of var/demo.")
def demo(contacts: int, leaves: bool, port: int | None, speed: float, directory: Path | None) -> None:
    """A whole campaign against a simulated Meta, watched to its end."""
    sys.exit(run_demo(Console(), contacts, leaves=leaves, port=port, speed=speed, directory=directory))
