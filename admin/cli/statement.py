"""Defines `flask billing`."""

from pathlib import Path
from typing import Any

import click

from admin.cli.shared import ACTOR, Group, as_json, print_json, print_table, runtime_here
from admin.operations.money.comparison import compare_month, read_now
from admin.operations.money.statement import month_statement, write_statement
from models.errors import OperatorError

SUMS = ("name", "meta_messages", "own_messages", "meta_cost", "own_cost", "cost_difference")
GROUPS = ("numbers", "campaigns", "categories", "countries")


@click.group("billing", cls=Group)
def billing() -> None:
    """A month's statement, and how it compares with Meta's own books."""


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


@billing.command("compare")
@click.argument("month", required=False, metavar="[YYYY-MM]")
@click.option("--read", "is_reading", is_flag=True, help="Ask Meta now; else it is what the last night brought.")
@as_json
def compare(month: str | None, is_reading: bool, is_json: bool) -> None:
    """How a month's messages and charges compare with Meta's own analytics; this month without one."""
    rt = runtime_here()
    refused = read_now(rt) if is_reading else []
    found = compare_month(rt, month)
    if is_json:
        print_json(found)
    else:
        for account in found["accounts"]:
            _print_account(account)
    if refused:
        raise OperatorError("{refused}", refused="; ".join(refused))


def _print_account(account: dict[str, Any]) -> None:
    read = f"as of {account['read_at']}" if account["read_at"] else "Meta's analytics were not read yet"
    click.echo(f"{account['name']} ({account['currency'] or 'currency unknown'}), {read}")
    for error in (account["prices_error"], account["templates_error"]):
        if error:
            click.echo(f"Meta: {error}")
    rows = [account["total"] | {"name": "in all"}, *account["categories"]]
    print_table([{name: "unknown" if row[name] is None else row[name] for name in SUMS} for row in rows], SUMS)
    for reason in account["total"]["reasons"]:
        click.echo(f"perhaps: {reason}")
