"""flask rates and flask budget."""

from pathlib import Path
from typing import Any

import click

from admin.cli.shared import ACTOR, Group, as_json, existing_file, print_json, print_table, runtime_here
from admin.operations import billing as money

RATE_COLUMNS = ("country", "category", "amount", "valid_from", "is_current")


@click.group("rates", cls=Group)
def rates() -> None:
    """What a delivered message costs, by country and category."""


@rates.command("load")
@click.argument("file", type=existing_file())
@as_json
def load(file: Path, is_json: bool) -> None:
    """Make a rate card of FILE.csv or FILE.yaml, in force from now on."""
    loaded = money.load_rates(runtime_here(), file, ACTOR)
    if is_json:
        print_json(loaded)
    else:
        click.echo(f"rate card {loaded['id']}: {loaded['prices']} prices in {loaded['currency']}")


@rates.command("show")
@as_json
def show(is_json: bool) -> None:
    """The rate card in force."""
    found = money.show_rates(runtime_here())
    if is_json:
        print_json(found)
        return
    click.echo(f"rate card {found['id']}, {found['currency']}, {found['source']}, loaded {found['loaded_at']}")
    print_table(found["rates"], RATE_COLUMNS)


@click.group("budget", cls=Group)
def budget() -> None:
    """What may be spent."""


@budget.command("set")
@click.argument("amount")
@click.option("--currency", required=True, metavar="CODE", help="That of the rate card, such as EUR.")
@as_json
def set_(amount: str, currency: str, is_json: bool) -> None:
    """From now on AMOUNT may be spent."""
    _say(money.set_budget(runtime_here(), amount, currency, ACTOR), is_json)


@budget.command("show")
@as_json
def show_budget(is_json: bool) -> None:
    """The balance, what was charged to it and what is held back."""
    _say(money.show_budget(runtime_here()), is_json)


@budget.command("off")
@as_json
def off(is_json: bool) -> None:
    """Guard nothing any more."""
    money.turn_budget_off(runtime_here(), ACTOR)
    _say(money.show_budget(runtime_here()), is_json)


@budget.command("recount")
@as_json
def recount(is_json: bool) -> None:
    """Work out again what every campaign was charged, and say where something else had stood."""
    found = money.recount_spending(runtime_here())
    if is_json:
        print_json(found)
    else:
        ids = ", ".join(map(str, found["changed"]))
        click.echo(f"changed: {ids}" if ids else "nothing had changed")


def _say(found: dict[str, Any], is_json: bool) -> None:
    if is_json:
        print_json(found)
    elif not found["is_on"]:
        click.echo("no balance is set")
    else:
        currency = found["currency"]
        click.echo(
            f"{found['amount']} {currency}: {found['charged']} charged, {found['reserved']} held back, "
            f"{found['free']} free ({found['used_pct']} % used)"
        )
