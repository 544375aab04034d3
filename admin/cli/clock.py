"""Defines `flask clock`."""

import click

from admin.cli.shared import ACTOR, Group, as_json, print_json, runtime_here
from admin.operations.clock import accept_clock, show_clocks


@click.group("clock", cls=Group)
def clock() -> None:
    """The clocks, which must agree before anything is ended, purged or started by time."""


@clock.command("show")
@as_json
def show(is_json: bool) -> None:
    """Say what the clocks show, and why irreversible steps wait; exit 1 if they do."""
    shown = show_clocks(runtime_here())
    if is_json:
        print_json(shown)
    else:
        for name, text in shown.items():
            click.echo(f"{name:10}{text or '–'}")
    if shown["problem"]:
        raise click.exceptions.Exit(1)


@clock.command("accept")
def accept() -> None:
    """Say that this machine's clock is right, although it jumped."""
    accept_clock(runtime_here(), ACTOR)
    click.echo("the clock is believed")
