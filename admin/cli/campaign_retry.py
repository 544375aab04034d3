"""Defines `flask campaigns retry`: temporary failures, or the unsure, once more."""

import click

from admin.cli.shared import ACTOR, Command, as_json, print_json, runtime_here
from jobs.tries.again import try_again


@click.command("retry", cls=Command)
@click.argument("campaign_id", metavar="ID", type=int)
@click.option(
    "--only",
    type=click.Choice(["temporary", "unsure"]),
    default="temporary",
    show_default=True,
    help="temporary: failed for a passing reason. unsure: their result is lost, so that some may get it twice.",
)
@as_json
def retry(campaign_id: int, only: str, is_json: bool) -> None:
    """Try again those whose message failed for a passing reason."""
    result = try_again(runtime_here(), campaign_id, ACTOR, only=only)
    if is_json:
        left_out = {reason.value: people for reason, people in sorted(result.left_out.items())}
        print_json({"id": campaign_id, "queued": result.queued, "waiting": result.waiting, "left_out": left_out})
        return
    click.echo("\n".join(result.sentences()))
