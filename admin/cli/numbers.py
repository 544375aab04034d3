"""Defines `flask numbers`; the command that calls Meta is in admin.cli.meta."""

import click
from sqlalchemy import select

from admin.cli.lazy import LazyCommand
from admin.cli.shared import ACTOR, Group, as_json, print_json, print_table, runtime_here
from admin.operations.marketing_api import marketing_setting, refresh_marketing, set_marketing_api, show_marketing
from bot.meta.management import GraphError
from models.tables.number import MarketingPolicy, Number


@click.group("numbers", cls=Group)
def numbers() -> None:
    """WhatsApp numbers of ours."""


numbers.add_command(
    LazyCommand("add", "admin.cli.meta:add", "Check a number at Meta, subscribe to its webhooks, and store it.")
)


@numbers.command("list")
@as_json
def list_numbers(is_json: bool) -> None:
    """The numbers that there are."""
    columns = ["id", "phone_number_id", "name", "display_phone", "status", "quality"]
    with runtime_here().database.read() as session:
        rows = [
            {column: getattr(number, column) for column in columns}
            | {"marketing_api": marketing_setting(number).marketing_api}
            for number in session.scalars(select(Number).order_by(Number.id))
        ]
    print_json(rows) if is_json else print_table(rows, [*columns, "marketing_api"])


@numbers.command("marketing")
@click.argument("number_id", type=int)
@click.option(
    "--policy", type=click.Choice([*MarketingPolicy]), help="Send marketing by the Marketing Messages API, so."
)
@click.option("--off", "is_off", is_flag=True, help="Send marketing by the Cloud API again.")
@click.option(
    "--share-activity",
    type=click.Choice(["yes", "no", "account"]),
    help="Whether deliveries, reads and clicks are shared with Meta; account: as it says there.",
)
@as_json
def marketing(number_id: int, policy: str | None, is_off: bool, share_activity: str | None, is_json: bool) -> None:
    """Show or set whether a number sends marketing by Meta's Marketing Messages API."""
    if is_off and (policy or share_activity):
        raise click.UsageError("--off goes without --policy and --share-activity")
    if share_activity and not policy:
        raise click.UsageError("--share-activity goes with --policy")
    rt = runtime_here()
    if policy or is_off:
        shares = {"yes": True, "no": False}.get(share_activity or "account")
        set_marketing_api(rt, number_id, policy, shares, ACTOR)
    try:
        setting = refresh_marketing(rt, number_id)
    except GraphError:  # the choice is stored, and why Meta did not answer stands beside it
        setting = show_marketing(rt, number_id)
    if is_json:
        print_json(setting.to_json())
        return
    for name, value in setting.to_json().items():
        click.echo(f"{name}: {'' if value is None else value}")
