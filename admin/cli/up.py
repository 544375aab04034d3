"""flask up."""

import sys

import click

from admin.cli.shared import Command, runtime_here
from admin.server.up import DEFAULT_WORKERS, MOST_WORKERS, Plan, run_up


@click.command("up", cls=Command)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option(
    "--workers", type=click.IntRange(1, MOST_WORKERS), default=DEFAULT_WORKERS, show_default=True, help="Senders."
)
def up(host: str, port: int, workers: int) -> None:
    """Everything in one terminal: migrations, Redis if none is given, web, workers, ingest, schedules."""
    settings = runtime_here().settings
    sys.exit(run_up(settings, Plan(host, port, workers), sys.stdout, click.echo))
