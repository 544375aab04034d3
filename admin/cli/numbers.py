"""Defines `flask numbers`; the commands that call Meta are in admin.cli.meta."""

import click
from sqlalchemy import select

from admin.cli.lazy import LazyCommand
from admin.cli.shared import Group, as_json, print_json, print_table, runtime_here
from models.tables.number import Number


@click.group("numbers", cls=Group)
def numbers() -> None:
    """WhatsApp numbers of ours."""


numbers.add_command(
    LazyCommand("add", "admin.cli.meta:add", "Check a number at Meta, subscribe to its webhooks, and store it.")
)
numbers.add_command(
    LazyCommand(
        "marketing",
        "admin.cli.meta:marketing",
        "Show or set whether a number sends marketing by Meta's Marketing Messages API.",
    )
)


@numbers.command("list")
@as_json
def list_numbers(is_json: bool) -> None:
    """The numbers that there are."""
    columns = ["id", "phone_number_id", "name", "display_phone", "status", "quality"]
    with runtime_here().database.read() as session:
        rows = [
            {column: getattr(number, column) for column in columns}
            | {"marketing_api": "on" if number.marketing_api else "off"}
            for number in session.scalars(select(Number).order_by(Number.id))
        ]
    print_json(rows) if is_json else print_table(rows, [*columns, "marketing_api"])
