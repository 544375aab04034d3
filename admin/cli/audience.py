"""flask contacts import, flask orders, flask lists, flask segments, flask cases."""

from pathlib import Path

import click

from admin.cases import close_case_of, open_case_of
from admin.cli.person import contacts
from admin.cli.shared import ACTOR, Group, as_json, existing_file, fail, print_json, runtime_here
from admin.segments import load_segment
from jobs.imports import ImportResult, add_to_list, import_contacts
from jobs.order_imports import import_orders


@contacts.command("import")
@click.argument("file", type=existing_file())
@click.option("--dry-run", is_flag=True, help="Say what would happen and change nothing.")
@as_json
def import_(file: Path, dry_run: bool, is_json: bool) -> None:  # noqa: ARG001 - its data is JSON either way
    """Take over the good rows of FILE.csv and report the others."""
    _report(file, import_contacts(runtime_here(), file, dry_run=dry_run, actor=ACTOR))


def _report(file: Path, result: ImportResult) -> None:
    print_json(result.to_json())
    if result.refused_total:
        first = result.refused[0]
        fail(f"{file}: {result.refused_total} rows were refused, the first on line {first['line']}: {first['reason']}")


@click.group("orders", cls=Group)
def orders() -> None:
    """What people bought."""


@orders.command("import")
@click.argument("file", type=existing_file())
@click.option("--dry-run", is_flag=True, help="Say what would happen and change nothing.")
@as_json
def import_orders_(file: Path, dry_run: bool, is_json: bool) -> None:  # noqa: ARG001 - its data is JSON either way
    """Take over the good orders of FILE.csv and report the others."""
    _report(file, import_orders(runtime_here(), file, dry_run=dry_run))


@click.group("lists", cls=Group)
def lists() -> None:
    """Static sets of contacts."""


@lists.command("add")
@click.argument("name")
@click.argument("file", type=existing_file())
@as_json
def add(name: str, file: Path, is_json: bool) -> None:  # noqa: ARG001 - its data is JSON either way
    """Make a list of the contacts whose phones stand in FILE.csv, or add them to it."""
    result = add_to_list(runtime_here(), name, file)
    print_json(result.to_json())
    if result.refused:
        fail(
            f"{file}: some rows were refused, the first on line {result.refused[0]['line']}: {result.refused[0]['reason']}"
        )


@click.group("segments", cls=Group)
def segments() -> None:
    """Stored rules that contacts match at the moment it is asked."""


@segments.command("load")
@click.argument("file", type=existing_file())
@as_json
def load(file: Path, is_json: bool) -> None:  # noqa: ARG001
    """Store the rule in FILE.yaml."""
    segment = load_segment(runtime_here(), file, ACTOR)
    print_json({"id": segment.id, "name": segment.name})


@click.group("cases", cls=Group)
def cases() -> None:
    """Conversations in the hands of people."""


@cases.command("open")
@click.argument("phone")
@click.option("--reason", default="", help="Shown to the agents.")
@as_json
def open_(phone: str, reason: str, is_json: bool) -> None:
    """Open a case with a contact: campaigns and bots leave them alone."""
    case_id = open_case_of(runtime_here(), phone, ACTOR, reason)
    print_json({"id": case_id}) if is_json else click.echo(f"opened case {case_id}")


@cases.command("close")
@click.argument("phone")
@as_json
def close(phone: str, is_json: bool) -> None:
    """Close the open case of a contact."""
    close_case_of(runtime_here(), phone, ACTOR)
    print_json({"closed": True}) if is_json else click.echo("closed")
