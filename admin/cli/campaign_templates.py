"""Defines `flask campaigns` replacements and replace: what a campaign goes on with whose template cannot be sent any more."""

import click

from admin.cli.shared import ACTOR, Command, as_json, print_json, print_table, runtime_here
from jobs.campaigns.cohorts import list_replacements, replace_and_resume
from models.clock import utcnow

COLUMNS = ("name", "language", "category", "quality")


@click.command("replacements", cls=Command)
@click.argument("campaign_id", metavar="ID", type=int)
@click.option("--language", help="One of its languages, where several are paused.")
@as_json
def replacements(campaign_id: int, language: str | None, is_json: bool) -> None:
    """The templates that could take the place of one that Meta paused, disabled or changed."""
    templates = list_replacements(runtime_here(), campaign_id, language)
    rows = [{column: getattr(template, column) for column in COLUMNS} for template in templates]
    if is_json:
        print_json(rows)
    else:
        print_table(rows, COLUMNS)


@click.command("replace", cls=Command)
@click.argument("campaign_id", metavar="ID", type=int)
@click.argument("template")
@click.option("--language", help="One of its languages, where several are paused.")
@as_json
def replace(campaign_id: int, template: str, language: str | None, is_json: bool) -> None:
    """Go on with another template; the values and whoever has the message stay."""
    replace_and_resume(runtime_here(), campaign_id, language, template, utcnow(), ACTOR)
    if is_json:
        print_json({"id": campaign_id, "template": template})
    else:
        click.echo(f"campaign {campaign_id} goes on with {template}")
