"""Defines `flask numbers add`, which calls Meta."""

import click

from admin.cli.shared import ACTOR, Command, as_json, print_json, read_stdin, runtime_here
from admin.operations.numbers import add_number


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
