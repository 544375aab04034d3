"""flask campaigns."""

from datetime import datetime
from pathlib import Path

import click

from admin.cli.shared import ACTOR, Group, as_json, existing_file, fail, print_json, print_table, runtime_here
from admin.operations.billing import estimate_campaign
from admin.operations.campaign_file import read_campaign_file
from admin.operations.campaign_lifecycle import schedule_campaign, send_test
from admin.operations.campaigns import create_campaign, list_campaigns
from admin.operations.export import write_export
from jobs.campaigns.lifecycle import end_campaign, pause_campaign, resume_campaign
from jobs.campaigns.start import fresh_preflight, start_campaign
from models.campaigns.stats import campaign_stats
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.campaign import CampaignKind

COLUMNS = ("id", "name", "kind", "status", "outcome", "candidates", "sent", "delivered", "read", "replied", "failed")


@click.group("campaigns", cls=Group)
def campaigns() -> None:
    """One-time messages to an audience."""


@campaigns.command("create")
@click.argument("file", type=existing_file())
@as_json
def create(file: Path, is_json: bool) -> None:  # noqa: ARG001 - its data is JSON either way
    """Make a campaign of FILE.json: a draft with what is missing, or ready."""
    print_json(create_campaign(runtime_here(), read_campaign_file(file), ACTOR, file.absolute().parent).to_json())


@campaigns.command("preflight")
@click.argument("campaign_id", metavar="ID", type=int)
@as_json
def preflight(campaign_id: int, is_json: bool) -> None:  # noqa: ARG001
    """What blocks it and what to look at; exit status 0 only if nothing blocks."""
    found = fresh_preflight(runtime_here(), campaign_id, utcnow())
    print_json(found.to_json())
    if found.blocking:
        fail(f"campaign {campaign_id}: " + " ".join(str(check.text) for check in found.blocking))


@campaigns.command("estimate")
@click.argument("campaign_id", metavar="ID", type=int)
@as_json
def estimate(campaign_id: int, is_json: bool) -> None:  # noqa: ARG001
    """What it may cost by the rate card: low, expected, high, by country."""
    print_json(estimate_campaign(runtime_here(), campaign_id))


@campaigns.command("start")
@click.argument("campaign_id", metavar="ID", type=int)
@as_json
def start(campaign_id: int, is_json: bool) -> None:
    """Start it now."""
    start_campaign(runtime_here(), campaign_id, utcnow(), ACTOR)
    _say(campaign_id, "active", is_json)


@campaigns.command("pause")
@click.argument("campaign_id", metavar="ID", type=int)
@as_json
def pause(campaign_id: int, is_json: bool) -> None:
    """Send nothing more until it is resumed."""
    pause_campaign(runtime_here(), campaign_id, utcnow(), ACTOR)
    _say(campaign_id, "paused", is_json)


@campaigns.command("resume")
@click.argument("campaign_id", metavar="ID", type=int)
@as_json
def resume(campaign_id: int, is_json: bool) -> None:
    """Go on with a paused one."""
    resume_campaign(runtime_here(), campaign_id, utcnow(), ACTOR)
    _say(campaign_id, "active", is_json)


@campaigns.command("end")
@click.argument("campaign_id", metavar="ID", type=int)
@as_json
def end(campaign_id: int, is_json: bool) -> None:
    """End it for good; its contacts are free for other campaigns."""
    end_campaign(runtime_here(), campaign_id, utcnow(), ACTOR)
    _say(campaign_id, "ended", is_json)


@campaigns.command("schedule")
@click.argument("campaign_id", metavar="ID", type=int)
@click.option(
    "--at", "at", required=True, metavar="ISO8601", help="With its offset, such as 2026-11-22T10:00:00+01:00."
)
@click.option("--per-hour", type=float, help="Messages an hour.")
@as_json
def schedule(campaign_id: int, at: str, per_hour: float | None, is_json: bool) -> None:
    """Start it at a time."""
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise OperatorError("at={at}: allowed is a time such as 2026-11-22T10:00:00+01:00", at=at) from None
    scheduled = schedule_campaign(runtime_here(), campaign_id, moment, per_hour, ACTOR)
    if is_json:
        print_json({"id": campaign_id, "status": "scheduled", "scheduled_at": scheduled.isoformat()})
    else:
        click.echo(f"campaign {campaign_id} is scheduled for {scheduled.isoformat()}")


@campaigns.command("test")
@click.argument("campaign_id", metavar="ID", type=int)
@click.option("--to", "phones", multiple=True, required=True, metavar="+E164", help="A contact's phone; several times.")
@as_json
def test(campaign_id: int, phones: tuple[str, ...], is_json: bool) -> None:
    """Send it to a few contacts, as a test campaign of its own."""
    test_id = send_test(runtime_here(), campaign_id, phones, ACTOR)
    _say(test_id, "active", is_json, what="test campaign")


@campaigns.command("stats")
@click.argument("campaign_id", metavar="ID", type=int)
@as_json
def stats(campaign_id: int, is_json: bool) -> None:  # noqa: ARG001
    """Its numbers, as of now."""
    with runtime_here().database.read() as session:
        print_json(campaign_stats(session, campaign_id))


@campaigns.command("export")
@click.argument("campaign_id", metavar="ID", type=int)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True, metavar="FILE.csv")
@as_json
def export(campaign_id: int, output: Path, is_json: bool) -> None:
    """One row per candidate, as CSV."""
    rows = write_export(runtime_here(), campaign_id, output)
    print_json({"rows": rows, "file": str(output)}) if is_json else click.echo(f"{rows} rows in {output}")


@campaigns.command("list")
@click.option("--kind", type=click.Choice([kind.value for kind in CampaignKind]), default="real", show_default=True)
@as_json
def list_(kind: str, is_json: bool) -> None:
    """The campaigns, newest first; real and test apart."""
    rows = list_campaigns(runtime_here(), CampaignKind(kind))
    print_json(rows) if is_json else print_table(rows, COLUMNS)


def _say(campaign_id: int, status: str, is_json: bool, what: str = "campaign") -> None:
    if is_json:
        print_json({"id": campaign_id, "status": status})
    else:
        click.echo(f"{what} {campaign_id} is {status}")
