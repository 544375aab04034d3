"""Defines `flask conversions`: what came of campaigns."""

from dataclasses import asdict

import click

from admin.cli.shared import Group, as_json, fail, print_json, runtime_here
from jobs.conversions.attribution import recount_conversions


@click.group("conversions", cls=Group)
def conversions() -> None:
    """Orders that belong to campaigns."""


@conversions.command("recount")
@as_json
def recount(is_json: bool) -> None:
    """Derive all conversions again from orders and messages, and mend what differs; there should be nothing."""
    result = recount_conversions(runtime_here())
    if is_json:
        print_json(asdict(result))
    else:
        click.echo(f"{result.orders} orders belong to a campaign, {result.differences} of them were stored otherwise")
    if result.differences:
        fail(f"{result.differences} orders were stored otherwise; they are mended")
