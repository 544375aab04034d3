"""Defines `flask db`."""

import click

from admin.cli.shared import ACTOR, Group, as_json, fail, print_json, runtime_here
from admin.operations.restored import CAUSES, read_held, release_database
from models.db.migrate import current_revision, head_revision, upgrade_schema


@click.group("db", cls=Group)
def db() -> None:
    """The database's schema."""


@db.command("upgrade")
@as_json
def upgrade(is_json: bool) -> None:
    """Bring the database to the newest schema."""
    rt = runtime_here()
    before = current_revision(rt.database)
    upgrade_schema(rt.settings.database_url)
    after = current_revision(rt.database)
    if is_json:
        print_json({"before": before, "after": after})
    else:
        click.echo(f"the schema is at {after}" + ("" if before == after else f" (was {before or 'empty'})"))


@db.command("check")
@as_json
def check(is_json: bool) -> None:
    """Exit 0 if the database has the newest schema."""
    current, newest = current_revision(runtime_here().database), head_revision()
    if is_json:
        print_json({"current": current, "wanted": newest})
    if current != newest:
        fail(f"the schema is at {current or 'nothing'}, wanted is {newest}: run flask db upgrade")
    if not is_json:
        click.echo(f"the schema is at {current}, the newest")


@db.command("held")
@as_json
def held(is_json: bool) -> None:
    """What waits because the database was put back from a copy."""
    found = read_held(runtime_here())
    if is_json:
        print_json({"held": None} if found is None else found.to_json())
    elif found is None:
        click.echo("nothing is held")
    else:
        click.echo(f"held since {found.noticed_at.isoformat()}: {CAUSES[found.cause]}")
        for row in found.campaigns:
            state = "goes on" if row.is_released else "waits" if row.is_settled else "is being looked through"
            click.echo(f"campaign {row.campaign_id} ({row.name}), {row.status} in the copy: {state}")


@db.command("release")
@as_json
def release(is_json: bool) -> None:
    """Let answers and timers go on; campaigns go on one by one (campaigns resume, campaigns start --after-restore)."""
    count = release_database(runtime_here(), ACTOR)
    if is_json:
        print_json({"unsure_answers": count})
    else:
        click.echo(f"answers go on; {count} of the copy are unsure and are not sent again")
