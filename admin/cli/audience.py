"""Defines `flask contacts import`, `flask orders`, `flask lists`, `flask segments` and `flask cases`."""

from dataclasses import replace
from pathlib import Path

import click

from admin.cli.files import as_choices, as_consents, as_map, as_refused, import_progress, read_choices, report
from admin.cli.shared import ACTOR, Command, Group, as_json, existing_file, print_json, runtime_here
from admin.operations.cases import close_case_of, open_case_of
from admin.operations.segments import load_segment
from jobs.imports.contacts import import_contacts
from jobs.imports.lists import add_to_list
from jobs.imports.orders import import_orders
from models.contacts.phone import is_country
from models.imports.contact_row import MAX_SOURCE


@click.command("import", cls=Command)
@click.argument("file", type=existing_file())
@click.option("--dry-run", is_flag=True, help="Say what would happen and change nothing.")
@click.option("--source", default="", help="Where and how the people agreed, for rows that do not say.")
@as_map
@as_consents
@click.option("--country", default=None, help="The country (ISO code) of numbers without a calling code.")
@click.option(
    "--tag-separator",
    type=click.Choice([",", ";", "|"]),
    default=None,
    help="What separates tags; else each cell tells it.",
)
@as_choices
@as_refused
@as_json
def import_(
    file: Path,
    dry_run: bool,
    source: str,
    country: str | None,
    consents: dict[str, str],
    tag_separator: str | None,
    encoding: str | None,
    sheet: str | None,
    header_row: int | None,
    columns: dict[str, str],
    refused_file: Path | None,
    is_json: bool,  # noqa: ARG001 - its data is JSON either way
) -> None:
    """Take over the good rows of FILE.csv or FILE.xlsx and report the others."""
    if len(source.strip()) > MAX_SOURCE:
        raise click.BadParameter(f"it is {len(source)} characters long; at most {MAX_SOURCE} are allowed")
    if country is not None and not is_country(country := country.strip().upper()):
        raise click.BadParameter(f"{country!r} is no country; allowed: a two-letter ISO code such as ES")
    choices = read_choices(encoding, sheet, header_row, columns)
    with import_progress(file, refused_file) as progress:
        result = import_contacts(
            runtime_here(),
            file,
            dry_run=dry_run,
            actor=ACTOR,
            progress=progress,
            columns=columns,
            source=source.strip(),
            consents=consents,
            country=country,
            tag_separator=tag_separator or "",
            choices=choices,
        )
    report(file, refused_file, result.to_json(), result.refused_total, choices)


@click.group("orders", cls=Group)
def orders() -> None:
    """What people bought."""


@orders.command("import")
@click.argument("file", type=existing_file())
@click.option("--dry-run", is_flag=True, help="Say what would happen and change nothing.")
@as_map
@as_choices
@as_refused
@as_json
def import_orders_(
    file: Path,
    dry_run: bool,
    encoding: str | None,
    sheet: str | None,
    header_row: int | None,
    columns: dict[str, str],
    refused_file: Path | None,
    is_json: bool,  # noqa: ARG001 - its data is JSON either way
) -> None:
    """Take over the good orders of FILE.csv or FILE.xlsx and report the others."""
    with import_progress(file, refused_file) as progress:
        choices = read_choices(encoding, sheet, header_row, columns)
        result = import_orders(
            runtime_here(), file, dry_run=dry_run, progress=progress, columns=columns, choices=choices
        )
    report(file, refused_file, result.to_json(), result.refused_total, choices)


@click.group("lists", cls=Group)
def lists() -> None:
    """Static sets of contacts."""


@lists.command("add")
@click.argument("name")
@click.argument("file", type=existing_file())
@as_map
@as_choices
@as_refused
@as_json
def add(
    name: str,
    file: Path,
    encoding: str | None,
    sheet: str | None,
    header_row: int | None,
    columns: dict[str, str],
    refused_file: Path | None,
    is_json: bool,  # noqa: ARG001 - its data is JSON either way
) -> None:
    """Make a list of the contacts whose phones stand in FILE.csv or FILE.xlsx, or add them to it."""
    with import_progress(file, refused_file) as progress:
        choices = read_choices(encoding, sheet, header_row, columns)
        result = add_to_list(runtime_here(), name, file, progress=progress, columns=columns, choices=choices)
    report(file, refused_file, result.to_json(), result.refused_total, replace(choices, encoding=result.encoding))


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
