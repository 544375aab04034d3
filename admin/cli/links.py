"""Defines `flask links`."""

import click

from admin.cli.shared import Command, Group, as_json, print_json, print_table, runtime_here
from models.clicks.figures import clicks_of, link_figures
from models.tables.campaign import get_campaign


@click.group("links", cls=Group)
def links() -> None:
    """Tracked links of campaigns: who opened them."""


@links.command("stats", cls=Command)
@click.argument("campaign_id", metavar="CAMPAIGN", type=int)
@as_json
def stats(campaign_id: int, is_json: bool) -> None:
    """How many people clicked, how often, and how often previews and bots asked; without --json by link."""
    with runtime_here().database.read() as session:
        get_campaign(session, campaign_id)
        whole = clicks_of(session, [campaign_id])[campaign_id].to_json()
        rows = [{"field": it.field, "url": it.url, **it.figures.to_json()} for it in link_figures(session, campaign_id)]
    if is_json:
        print_json(whole)
        return
    print_table([*rows, {"field": "all", "url": "", **whole}], ("field", "url", *whole))
