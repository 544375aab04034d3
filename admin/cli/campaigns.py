"""Defines `flask campaigns`; the commands that change a state are in admin.cli.campaign_lifecycle."""

from pathlib import Path

import click

from admin.cli.lazy import LazyCommand
from admin.cli.shared import ACTOR, Group, as_json, existing_file, print_json, print_table, runtime_here
from admin.operations.billing import estimate_campaign
from admin.operations.campaign_file import read_campaign_file
from admin.operations.campaigns import create_campaign, list_campaigns
from admin.operations.exports.campaign import write_export
from models.campaigns.stats import campaign_stats
from models.segments.campaign_people import read_people_choice
from models.tables.campaign import CampaignKind

COLUMNS = (
    "id",
    "name",
    "type",
    "kind",
    "status",
    "outcome",
    "candidates",
    "sent",
    "delivered",
    "read",
    "replied",
    "clicked",
    "failed",
)


@click.group("campaigns", cls=Group)
def campaigns() -> None:
    """One-time messages to an audience."""


for _name, _text in (
    ("preflight", "What blocks it and what to look at; exit status 0 only if nothing blocks."),
    ("start", "Start it now."),
    ("pause", "Send nothing more until it is resumed."),
    ("resume", "Go on with a paused one."),
    ("end", "End it for good; its contacts are free for other campaigns."),
    ("schedule", "Start it at a time."),
    ("test", "Send it to a few contacts, as a test campaign of its own."),
):
    campaigns.add_command(LazyCommand(_name, f"admin.cli.campaign_lifecycle:{_name}", _text))
campaigns.add_command(
    LazyCommand(
        "signals",
        "admin.cli.campaign_signals:signals",
        "What its figures probably mean, with the evidence and where it is mended.",
    )
)
for _name, _text in (
    ("replacements", "The templates that could take the place of one that Meta paused, disabled or changed."),
    ("replace", "Go on with another template; the values and whoever has the message stay."),
):
    campaigns.add_command(LazyCommand(_name, f"admin.cli.campaign_templates:{_name}", _text))
campaigns.add_command(
    LazyCommand("retry", "admin.cli.campaign_retry:retry", "Try again those whose message failed for a passing reason.")
)


campaigns.add_command(
    LazyCommand(
        "compare",
        "admin.cli.campaign_results:compare",
        "Two to five campaigns side by side, with 95 % intervals (Wilson).",
    )
)


@campaigns.command("create")
@click.argument("file", type=existing_file())
@as_json
def create(file: Path, is_json: bool) -> None:  # noqa: ARG001 - its data is JSON either way
    """Make a campaign of FILE.json: a draft with what is missing, or ready."""
    print_json(create_campaign(runtime_here(), read_campaign_file(file), ACTOR, file.absolute().parent).to_json())


@campaigns.command("estimate")
@click.argument("campaign_id", metavar="ID", type=int)
@as_json
def estimate(campaign_id: int, is_json: bool) -> None:  # noqa: ARG001
    """What it may cost by the rate card: low, expected, high, by country."""
    print_json(estimate_campaign(runtime_here(), campaign_id))


@campaigns.command("stats")
@click.argument("campaign_id", metavar="ID", type=int)
@as_json
def stats(campaign_id: int, is_json: bool) -> None:  # noqa: ARG001
    """Its numbers, as of now."""
    with runtime_here().database.read() as session:
        print_json(campaign_stats(session, campaign_id))


@campaigns.command("export")
@click.argument("campaign_id", metavar="ID", type=int)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True, metavar="FILE")
@click.option("--excel", "for_excel", is_flag=True, help="Begin a CSV file with the mark by which Excel knows UTF-8.")
@click.option(
    "--status", default="", help="Only people of these figures, such as read,-replied (read, and not replied)."
)
@click.option("--reason", default="", help="Only people who were left out for this reason.")
@click.option("--columns", default="", help="Only these columns, separated by commas.")
@as_json
def export(
    campaign_id: int, output: Path, for_excel: bool, status: str, reason: str, columns: str, is_json: bool
) -> None:
    """One row per candidate, as CSV, or as XLSX if FILE ends so."""
    choice = read_people_choice({"status": status, "reason": reason})
    names = [name.strip() for name in columns.split(",") if name.strip()]
    rows = write_export(runtime_here(), campaign_id, output, ACTOR, for_excel=for_excel, choice=choice, columns=names)
    print_json({"rows": rows, "file": str(output)}) if is_json else click.echo(f"{rows} rows in {output}")


@campaigns.command("list")
@click.option("--kind", type=click.Choice([kind.value for kind in CampaignKind]), default="real", show_default=True)
@as_json
def list_(kind: str, is_json: bool) -> None:
    """The campaigns, newest first; real and test apart."""
    rows = list_campaigns(runtime_here(), CampaignKind(kind))
    print_json(rows) if is_json else print_table(rows, COLUMNS)
