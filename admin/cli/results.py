"""Defines `flask results`."""

import click

from admin.cli.shared import Group, as_json, print_json, runtime_here
from jobs.results.recount import recount_all
from models.clock import utcnow


@click.group("results", cls=Group)
def results() -> None:
    """What came of campaigns, summed up."""


@results.command("recount")
@as_json
def recount(is_json: bool) -> None:
    """Count all sums again, and name those that differed from the rows."""
    differing = recount_all(runtime_here(), utcnow())
    if is_json:
        print_json({"different": differing})
        return
    for line in differing:
        click.echo(f"{line}: differed from the rows; counted again")
    if not differing:
        click.echo("nothing differed")
