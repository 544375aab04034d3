"""Defines `flask numbers add` and `flask templates`, the commands that call Meta."""

import click
from sqlalchemy import select

from admin.cli.shared import ACTOR, Command, Group, as_json, error_line, fail, print_json, read_stdin, runtime_here
from admin.operations.numbers import add_number
from jobs.maintenance.meta_sync import SyncResult, read_templates
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.number import Number


@click.command("add", cls=Command)
@click.option("--name", required=True, help="What you call it.")
@click.option("--phone-number-id", required=True)
@click.option("--waba-id", required=True)
@click.option("--display-phone", help="The number as people see it, with its calling code.")
@click.option("--token-stdin", is_flag=True, required=True, help="Read the access token from standard input.")
@as_json
def add(
    name: str, phone_number_id: str, waba_id: str, display_phone: str | None, token_stdin: bool, is_json: bool
) -> None:
    """Check a number at Meta, subscribe to its webhooks, and store it."""
    if not token_stdin:
        raise click.UsageError("--token-stdin is needed: a token on the command line would be seen by others")
    token = read_stdin("access token")
    number = add_number(
        runtime_here(),
        name=name,
        phone_number_id=phone_number_id,
        waba_id=waba_id,
        display_phone=display_phone,
        token=token,
        actor=ACTOR,
    )
    if is_json:
        print_json(number.to_json())
        return
    click.echo(
        f"{'added' if number.is_new else 'updated'} number {number.id}: {number.display_phone or phone_number_id}"
    )
    click.echo(f"status {number.status}, quality {number.quality}")
    click.echo(f"webhooks: {number.webhooks}")


@click.group("templates", cls=Group)
def templates() -> None:
    """Message templates."""


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
