"""Defines the commands of `flask numbers` that call Meta."""

import click

from admin.cli.shared import ACTOR, Command, as_json, print_json, read_stdin, runtime_here
from admin.operations.marketing_api import refresh_marketing, set_marketing_api, show_marketing
from admin.operations.numbers import add_number
from bot.meta.management import GraphError
from models.tables.number import MarketingPolicy


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


@click.command("marketing", cls=Command)
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
