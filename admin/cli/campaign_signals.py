"""Defines `flask campaigns signals`."""

import click

from admin.cli.shared import Command, as_json, print_json, runtime_here
from admin.operations.signals.report import campaign_report
from models.signals.rules import MIN_PEOPLE


@click.command("signals", cls=Command)
@click.argument("campaign_id", metavar="ID", type=int)
@as_json
def signals(campaign_id: int, is_json: bool) -> None:
    """What its figures probably mean, with the evidence and where it is mended."""
    rt = runtime_here()
    found = campaign_report(rt, campaign_id).to_json((rt.settings.public_url or "").rstrip("/"))
    if is_json:
        print_json(found)
        return
    if found["counted_at"] is None:
        click.echo("not counted yet")
        return
    for signal in found["signals"]:
        lines = (signal["sentence"], signal["evidence"], signal["comparison"], f"{signal['button']}: {signal['link']}")
        click.echo("\n  ".join(line for line in lines if line))
    if not found["signals"]:
        click.echo(f"no signals; one needs at least {MIN_PEOPLE} people")
