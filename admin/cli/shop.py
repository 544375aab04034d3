"""flask shop."""

from typing import Any

import click

from admin.cli.shared import Group, as_json, print_json, print_table, runtime_here
from admin.operations.shop import customers_without_phone, shop_status
from models.tables.shop import PhoneReason

COLUMNS = ("customer_id", "name", "email", "raw_phone", "reason", "seen_at")


@click.group("shop", cls=Group)
def shop() -> None:
    """The Shopify shop: its customers, and what it is asked and told."""


@shop.command("customers")
@click.option("--without-phone", is_flag=True, help="Those who have no phone that can be written to.")
@click.option(
    "--reason", type=click.Choice([reason.value for reason in PhoneReason]), help="Only those for this reason."
)
@as_json
def customers(without_phone: bool, reason: str | None, is_json: bool) -> None:
    """Customers of the shop who are no contacts, each with the reason."""
    if not without_phone:
        raise click.UsageError("give --without-phone: customers with a phone are contacts, see flask contacts")
    found = customers_without_phone(runtime_here(), reason)
    if is_json:
        print_json(found)
    else:
        print_table([row | {"seen_at": f"{row['seen_at']:%Y-%m-%d %H:%M:%SZ}"} for row in found], COLUMNS)


@shop.command("status")
@as_json
def status(is_json: bool) -> None:
    """Whether the shop is asked, when Hark last looked, and which opt-outs wait."""
    found = shop_status(runtime_here())
    if is_json:
        print_json(found)
        return
    click.echo(f"shop: {found['shop'] or 'none'}{'' if found['is_asked'] else ', which is not asked: no token is set'}")
    click.echo(f"last look: {_look(found['look'])}")
    opt_outs = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in sorted(found["opt_outs"].items()))
    click.echo(f"opt-outs: {opt_outs or 'none'}")
    if found["opt_outs_wait_because"]:
        click.echo(f"opt-outs wait: {found['opt_outs_wait_because']}")
    click.echo(f"customers without a usable phone: {sum(found['without_phone'].values())}")


def _look(look: dict[str, Any] | None) -> str:
    if look is None:
        return "none yet"
    ended = f"finished {look['finished_at']:%Y-%m-%d %H:%M:%SZ}" if look["finished_at"] else "not finished"
    error = f"; {look['error']}" if look["error"] else ""
    return f"begun {look['started_at']:%Y-%m-%d %H:%M:%SZ}, {ended}, {look['customers']} customers{error}"
