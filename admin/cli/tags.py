"""Defines `flask tags`: tags whose names differ by case alone, which earlier versions told apart."""

import click

from admin.cli.shared import ACTOR, Group, as_json, print_json, runtime_here
from admin.operations.groups import merge_tag, require_tag
from models.segments.merge_tags import find_duplicates


@click.group("tags", cls=Group)
def tags() -> None:
    """Labels on contacts."""


@tags.command("duplicates")
@as_json
def duplicates(is_json: bool) -> None:
    """Show the tags whose names differ by case alone, the oldest first, with how many carry each."""
    with runtime_here().database.read() as session:
        found = find_duplicates(session)
    if is_json:
        print_json([[{"name": name, "contacts": people} for _, name, people in pair.tags] for pair in found])
        return
    for pair in found:
        click.echo(", ".join(f"{name} ({people})" for _, name, people in pair.tags))


@tags.command("merge")
@click.argument("keep", metavar="KEEP")
@click.argument("other", metavar="OTHER")
@click.option("--yes", "is_sure", is_flag=True, help="Yes: it cannot be undone.")
@as_json
def merge(keep: str, other: str, is_sure: bool, is_json: bool) -> None:
    """Make the tag OTHER a part of KEEP, another spelling of the same name."""
    if not is_sure:
        raise click.UsageError("it cannot be undone; say --yes")
    rt = runtime_here()
    done = merge_tag(rt, require_tag(rt, keep), require_tag(rt, other), ACTOR)
    if is_json:
        print_json({"kept": done.kept, "merged": done.merged, "named_by": done.references})
        return
    named = f"; {done.kept} stands in {done.references} now" if done.references else ""
    click.echo(f"{done.merged} is a part of {done.kept}{named}")
