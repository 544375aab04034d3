"""Defines `flask contacts` for one contact at a time; `flask contacts import` is in admin.cli.audience."""

from pathlib import Path
from typing import Any

import click

from admin.cli.lazy import LazyCommand
from admin.cli.shared import ACTOR, Group, as_json, print_json, runtime_here
from admin.operations.contact_merge import merge_records
from admin.operations.contacts import contact_summary, find_contact_id, redact_contact, write_data_export

_WHO = "+E164|ID"
_YES = click.option("--yes", "is_sure", is_flag=True, help="Yes: it cannot be undone.")


@click.group("contacts", cls=Group)
def contacts() -> None:
    """People."""


contacts.add_command(
    LazyCommand(
        "import",
        "admin.cli.audience:import_",
        "Take over the good rows of FILE.csv or FILE.xlsx and report the others.",
    )
)
contacts.add_command(
    LazyCommand(
        "mend-phones",
        "admin.cli.mend_phones:mend_phones",
        "List numbers without a calling code, by what they may mean, or settle a group of them.",
    )
)


@contacts.command("show")
@click.argument("who", metavar=_WHO)
@as_json
def show(who: str, is_json: bool) -> None:
    """What is known of a person."""
    rt = runtime_here()
    summary = contact_summary(rt, find_contact_id(rt, who))
    if is_json:
        print_json(summary)
        return
    for name, value in summary.items():
        if value not in ("", None, [], {}):
            click.echo(f"{name}: {_in_words(value)}")


@contacts.command("export")
@click.argument("who", metavar=_WHO)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True, metavar="FILE.json")
@as_json
def export(who: str, output: Path, is_json: bool) -> None:
    """Write everything that is kept of a person to a file that only you can read."""
    rt = runtime_here()
    contact_id = find_contact_id(rt, who)
    write_data_export(rt, contact_id, output, ACTOR)
    print_json({"id": contact_id, "file": str(output)}) if is_json else click.echo(f"contact {contact_id} in {output}")


@contacts.command("redact")
@click.argument("who", metavar=_WHO)
@_YES
@as_json
def redact(who: str, is_sure: bool, is_json: bool) -> None:
    """Wipe a person for good; no import brings them back."""
    _require_yes(is_sure)
    rt = runtime_here()
    contact_id = find_contact_id(rt, who)
    redact_contact(rt, contact_id, ACTOR)
    print_json({"id": contact_id, "redacted": True}) if is_json else click.echo(f"wiped contact {contact_id}")


@contacts.command("merge")
@click.argument("keep", metavar="KEEP")
@click.argument("other", metavar="OTHER")
@_YES
@as_json
def merge(keep: str, other: str, is_sure: bool, is_json: bool) -> None:
    """Make the record OTHER a part of KEEP; each a phone with its + or a record's number."""
    _require_yes(is_sure)
    rt = runtime_here()
    contact_id, merged_id = find_contact_id(rt, keep), find_contact_id(rt, other)
    names = merge_records(rt, contact_id, merged_id, ACTOR)
    if is_json:
        print_json({"id": contact_id, "merged": merged_id, "kept_of_it": names})
        return
    leftovers = f"; kept of it: {', '.join(names)}" if names else ""
    click.echo(f"contact {merged_id} is a part of contact {contact_id}{leftovers}")


def _require_yes(is_sure: bool) -> None:
    if not is_sure:
        raise click.UsageError("it cannot be undone; say --yes")


def _in_words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(name if held is None else f"{name} = {held}" for name, held in value.items())
    if isinstance(value, list):
        return ", ".join(f"{row['name']} = {row['value']}" if isinstance(row, dict) else str(row) for row in value)
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
