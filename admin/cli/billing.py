"""Defines `flask rates` and `flask budget`."""

from pathlib import Path
from typing import Any

import click

from admin.cli.shared import ACTOR, Group, as_json, existing_file, print_json, print_table, runtime_here
from admin.operations import billing as money
from admin.operations.answers import answers_of_month
from admin.operations.money.running_replies import running_replies

ANSWER_COLUMNS = (
    "number", "charged", "delivered", "billed", "unpriced", "free", "free_entry_point", "free_other", "untold",
)  # fmt: skip
RATE_COLUMNS = ("country", "category", "amount", "valid_from", "is_current")


@click.group("rates", cls=Group)
def rates() -> None:
    """What a delivered message costs, by country and category."""


@rates.command("load")
@click.argument("file", type=existing_file())
@as_json
def load(file: Path, is_json: bool) -> None:
    """Make a rate card of FILE.csv or FILE.yaml, in force from now on."""
    card = money.load_rates(runtime_here(), file, ACTOR)
    if is_json:
        print_json(card)
    else:
        click.echo(f"rate card {card['id']}: {card['prices']} prices in {card['currency']}")


@rates.command("show")
@as_json
def show(is_json: bool) -> None:
    """The rate card in force."""
    card = money.show_rates(runtime_here())
    if is_json:
        print_json(card)
        return
    click.echo(f"rate card {card['id']}, {card['currency']}, {card['source']}, loaded {card['loaded_at']}")
    print_table(card["rates"], RATE_COLUMNS)


@click.group("budget", cls=Group)
def budget() -> None:
    """What may be spent."""


@budget.command("set")
@click.argument("amount")
@click.option("--currency", required=True, metavar="CODE", help="That of the rate card, such as EUR.")
@as_json
def set_(amount: str, currency: str, is_json: bool) -> None:
    """From now on AMOUNT may be spent."""
    _print_balance(money.set_budget(runtime_here(), amount, currency, ACTOR), is_json)


@budget.command("show")
@as_json
def show_budget(is_json: bool) -> None:
    """The balance, what was charged to it and what is held back."""
    rt = runtime_here()
    balance, replies = money.show_budget(rt), running_replies(rt)
    _print_balance(balance | ({"replies": replies} if replies["campaigns"] else {}), is_json)
    if not is_json and replies["campaigns"]:
        expected = "unknown" if replies["expected"] is None else f"{replies['expected']} {replies['currency']}"
        click.echo(f"answers to running campaigns will probably cost {expected} more, which is in none of these sums")


@budget.command("off")
@as_json
def off(is_json: bool) -> None:
    """Guard nothing any more."""
    money.turn_budget_off(runtime_here(), ACTOR)
    _print_balance(money.show_budget(runtime_here()), is_json)


@budget.command("answers")
@click.option("--month", metavar="YYYY-MM", help="This month without it.")
@as_json
def answers(month: str | None, is_json: bool) -> None:
    """What answers of bots and agents cost in a month, by number."""
    result = answers_of_month(runtime_here(), month)
    if is_json:
        print_json(result)
    elif not result["numbers"]:
        click.echo(f"no answer was delivered in {result['month']}")
    else:
        print_table([_shown_answers(row) for row in result["numbers"]], ANSWER_COLUMNS)


@budget.command("recount")
@as_json
def recount(is_json: bool) -> None:
    """Work out again what every campaign was charged, and say where something else had stood."""
    result = money.recount_spending(runtime_here())
    if is_json:
        print_json(result)
    else:
        ids = ", ".join(map(str, result["changed"]))
        click.echo(f"changed: {ids}" if ids else "nothing had changed")
        if result["changed_months"]:
            click.echo(f"answers changed: {', '.join(result['changed_months'])}")


def _shown_answers(row: dict[str, Any]) -> dict[str, Any]:
    charged = "unknown" if row["charged"] is None else f"{row['charged']} {row['currency'] or ''}".rstrip()
    return row | {"charged": charged}


def _print_balance(balance: dict[str, Any], is_json: bool) -> None:
    if is_json:
        print_json(balance)
    elif not balance["is_on"]:
        click.echo("no balance is set")
    else:
        currency = balance["currency"]
        click.echo(
            f"{balance['amount']} {currency}: {balance['charged']} charged, {balance['reserved']} held back, "
            f"{balance['free']} free ({balance['used_pct']} % used)"
        )
