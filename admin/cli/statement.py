"""Defines `flask billing`."""

from pathlib import Path

import click

from admin.cli.shared import ACTOR, Group, as_json, print_json, print_table, runtime_here
from admin.operations.money.statement import month_statement, write_statement
from models.errors import OperatorError

GROUPS = ("numbers", "campaigns", "categories", "countries")


@click.group("billing", cls=Group)
def billing() -> None:
    """What was charged, and what Meta says of it."""


@billing.command("statement")
@click.argument("month", required=False, metavar="[YYYY-MM]")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write its rows to FILE.xlsx or FILE.csv."
)
@as_json
def statement(month: str | None, output: Path | None, is_json: bool) -> None:
    """What was charged in a month, by number, campaign, category and country; this month without one."""
    rt = runtime_here()
    if output is not None:
        try:
            count = write_statement(rt, month, output, ACTOR)
        except OSError as error:
            raise OperatorError("{file}: {why}", file=output, why=error.strerror or type(error).__name__) from None
        if is_json:
            print_json({"file": str(output), "rows": count})
        else:
            click.echo(f"{output}: {count} rows")
        return
    found = month_statement(rt, month)
    if is_json:
        print_json(found)
        return
    for total in found["totals"]:
        click.echo(f"{found['month']}: {total['amount']} {total['currency']} for {total['messages']} messages")
    if found["unknown"]:
        click.echo(f"{found['month']}: {found['unknown']} messages at an unknown price, in no sum")
    if not found["totals"] and not found["unknown"]:
        click.echo(f"nothing was charged in {found['month']}")
    for group in GROUPS:
        if found[group]:
            click.echo(f"\n{group}")
            rows = [
                row | {"amount": row["amount"] or "unknown", "name": row["name"] or "unknown"} for row in found[group]
            ]
            print_table(rows, ("name", "messages", "amount", "currency"))
