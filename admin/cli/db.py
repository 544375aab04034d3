"""Defines `flask db`."""

import click

from admin.cli.shared import Group, as_json, fail, print_json, runtime_here
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
