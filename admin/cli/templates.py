"""Defines `flask templates`: what is written here, submitted to Meta, and read from Meta."""

from pathlib import Path
from typing import Any

import click
from sqlalchemy import select

from admin.cli.shared import (
    ACTOR,
    Group,
    as_json,
    error_line,
    existing_file,
    fail,
    print_json,
    print_table,
    runtime_here,
)
from admin.operations.templates.delete import delete_template, unpause_template
from admin.operations.templates.drafts import WrittenTemplate, create_template
from admin.operations.templates.listing import list_templates, show_template
from admin.operations.templates.submit import submit_template
from jobs.maintenance.meta_sync import SyncResult, read_templates
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.number import Number
from models.templates.definition.parse import MAX_BYTES, definition_json

number_option = click.option(
    "--number", "number_id", type=int, metavar="ID", help="A number of the account, where there are several accounts."
)


@click.group("templates", cls=Group)
def templates() -> None:
    """Message templates."""


@templates.command("create")
@click.argument("file", type=existing_file())
@click.option("--submit", "is_submitted", is_flag=True, help="Submit it to Meta at once.")
@number_option
@as_json
def create(file: Path, is_submitted: bool, number_id: int | None, is_json: bool) -> None:
    """Check a template in Meta's JSON and store it as a draft. A header's sample may be a path beside FILE."""
    rt = runtime_here()
    with file.open("rb") as opened:
        data = definition_json(opened.read(MAX_BYTES + 1))
    written = create_template(rt, data, ACTOR, number_id=number_id, files_in=file.parent)
    if is_submitted:
        written = submit_template(rt, written.name, written.language, ACTOR, number_id=number_id)
    _say(written, is_json)


@templates.command("submit")
@click.argument("name")
@click.argument("language", metavar="LANG")
@number_option
@as_json
def submit(name: str, language: str, number_id: int | None, is_json: bool) -> None:
    """Submit a draft, or the edit that waits, to Meta."""
    _say(submit_template(runtime_here(), name, language, ACTOR, number_id=number_id), is_json)


@templates.command("delete")
@click.argument("name")
@click.argument("language", metavar="[LANG]", required=False)
@number_option
@as_json
def delete(name: str, language: str | None, number_id: int | None, is_json: bool) -> None:
    """Delete a template here and at Meta, in one language or in all."""
    deleted = delete_template(runtime_here(), name, language, ACTOR, number_id=number_id)
    if is_json:
        print_json(deleted.to_json())
        return
    click.echo(f"deleted template {name} ({', '.join(deleted.languages)})")


@templates.command("unpause")
@click.argument("name")
@click.argument("language", metavar="LANG")
@number_option
@as_json
def unpause(name: str, language: str, number_id: int | None, is_json: bool) -> None:
    """Lift Meta's pause of a template that came from pacing; one for low quality ends by itself."""
    _say(unpause_template(runtime_here(), name, language, ACTOR, number_id=number_id), is_json)


@templates.command("list")
@number_option
@as_json
def list_all(number_id: int | None, is_json: bool) -> None:
    """List the templates, drafts among them."""
    rows = list_templates(runtime_here(), number_id)
    if is_json:
        print_json(rows)
        return
    print_table(rows, ["name", "language", "category", "status", "quality"])


@templates.command("show")
@click.argument("name")
@click.argument("language", metavar="LANG")
@number_option
@as_json
def show(name: str, language: str, number_id: int | None, is_json: bool) -> None:
    """Show a template: its definition, its status and what to do, its life."""
    shown = show_template(runtime_here(), name, language, number_id)
    if is_json:
        print_json(shown)
        return
    click.echo(f"{name} ({language}) {shown['category'].lower()} {shown['status']}, quality {shown['quality']}")
    if shown["rejected_reason"]:
        click.echo(f"rejected: {shown['rejected_reason']}")
    if shown["what_to_do"]:
        click.echo(shown["what_to_do"])
    if shown["has_pending_edit"]:
        click.echo("An edit waits to be submitted.")
    print_json(shown["definition"])
    for event in shown["life"]:
        click.echo(_event_line(event))


@templates.command("sync")
@as_json
def sync(is_json: bool) -> None:
    """Read every account's templates from Meta."""
    rt = runtime_here()
    with rt.database.read() as session:
        accounts = sorted(set(session.scalars(select(Number.waba_id))))
    if not accounts:
        raise OperatorError("there is no number yet: add one with flask numbers add")
    total, failures = SyncResult(), []
    for waba_pk in accounts:
        try:
            result = read_templates(rt, waba_pk, utcnow())
        except Exception as error:  # noqa: BLE001 - a failing account must not keep the others from being read
            failures.append(f"account {waba_pk}: {error_line(error)}")
            continue
        total.add(result)
    if is_json:
        print_json(total.to_json())
    else:
        click.echo(", ".join(f"{count} {word}" for word, count in total.to_json().items()))
    if failures:
        fail("; ".join(failures))


def _say(written: WrittenTemplate, is_json: bool) -> None:
    if is_json:
        print_json(written.to_json())
        return
    click.echo(f"template {written.name} ({written.language}) {written.category.lower()} {written.status}")


def _event_line(event: dict[str, Any]) -> str:
    change = " → ".join(state for state in (event["before"], event["after"]) if state)
    parts = (f"{event['at']:%Y-%m-%d %H:%M} UTC", event["event"], change, event["reason"], f"by {event['by']}")
    return "  ".join(part for part in parts if part)
