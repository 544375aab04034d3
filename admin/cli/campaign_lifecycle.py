"""Defines `flask campaigns` preflight, start, pause, resume, end, schedule and test."""

from datetime import datetime

import click

from admin.cli.shared import ACTOR, Command, as_json, fail, print_json, runtime_here
from admin.operations.campaign_lifecycle import schedule_campaign, send_test
from jobs.campaigns.cohorts import resume_language
from jobs.campaigns.lifecycle import end_campaign, pause_campaign, resume_campaign
from jobs.campaigns.start import fresh_preflight, start_campaign
from models.clock import utcnow
from models.errors import OperatorError


@click.command("preflight", cls=Command)
@click.argument("campaign_id", metavar="ID", type=int)
@as_json
def preflight(campaign_id: int, is_json: bool) -> None:  # noqa: ARG001
    """What blocks it and what to look at; exit status 0 only if nothing blocks."""
    result = fresh_preflight(runtime_here(), campaign_id, utcnow())
    print_json(result.to_json())
    if result.blocking:
        fail(f"campaign {campaign_id}: " + " ".join(str(check.text) for check in result.blocking))


@click.command("start", cls=Command)
@click.argument("campaign_id", metavar="ID", type=int)
@click.option(
    "--after-restore",
    "is_after_restore",
    is_flag=True,
    help="Although it may have been sent before the database was put back from a copy.",
)
@as_json
def start(campaign_id: int, is_after_restore: bool, is_json: bool) -> None:
    """Start it now."""
    start_campaign(runtime_here(), campaign_id, utcnow(), ACTOR, is_after_restore=is_after_restore)
    _print_status(campaign_id, "active", is_json)


@click.command("pause", cls=Command)
@click.argument("campaign_id", metavar="ID", type=int)
@as_json
def pause(campaign_id: int, is_json: bool) -> None:
    """Send nothing more until it is resumed."""
    pause_campaign(runtime_here(), campaign_id, utcnow(), ACTOR)
    _print_status(campaign_id, "paused", is_json)


@click.command("resume", cls=Command)
@click.argument("campaign_id", metavar="ID", type=int)
@click.option("--language", help="One of its languages, which is paused alone.")
@as_json
def resume(campaign_id: int, language: str | None, is_json: bool) -> None:
    """Go on with a paused one."""
    if language is None:
        resume_campaign(runtime_here(), campaign_id, utcnow(), ACTOR)
    else:
        resume_language(runtime_here(), campaign_id, language, utcnow(), ACTOR)
        if not is_json:
            click.echo(f"campaign {campaign_id} goes on in {language}")
            return
    _print_status(campaign_id, "active", is_json)


@click.command("end", cls=Command)
@click.argument("campaign_id", metavar="ID", type=int)
@as_json
def end(campaign_id: int, is_json: bool) -> None:
    """End it for good; its contacts are free for other campaigns."""
    end_campaign(runtime_here(), campaign_id, utcnow(), ACTOR)
    _print_status(campaign_id, "ended", is_json)


@click.command("schedule", cls=Command)
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
    scheduled_at = schedule_campaign(runtime_here(), campaign_id, moment, per_hour, ACTOR)
    if is_json:
        print_json({"id": campaign_id, "status": "scheduled", "scheduled_at": scheduled_at.isoformat()})
    else:
        click.echo(f"campaign {campaign_id} is scheduled for {scheduled_at.isoformat()}")


@click.command("test", cls=Command)
@click.argument("campaign_id", metavar="ID", type=int)
@click.option("--to", "phones", multiple=True, required=True, metavar="+E164", help="A contact's phone; several times.")
@as_json
def test(campaign_id: int, phones: tuple[str, ...], is_json: bool) -> None:
    """Send it to a few contacts, as a test campaign of its own."""
    test_id = send_test(runtime_here(), campaign_id, phones, ACTOR)
    _print_status(test_id, "active", is_json, what="test campaign")


def _print_status(campaign_id: int, status: str, is_json: bool, what: str = "campaign") -> None:
    if is_json:
        print_json({"id": campaign_id, "status": status})
    else:
        click.echo(f"{what} {campaign_id} is {status}")
