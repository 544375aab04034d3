"""The commands: `flask …`."""

import click
from flask import Flask
from flask.cli import AppGroup

from admin.cli.attributes import attributes
from admin.cli.audience import cases, lists, orders, segments
from admin.cli.billing import budget, rates
from admin.cli.campaigns import campaigns
from admin.cli.contacts import contacts
from admin.cli.db import db
from admin.cli.dead_letters import dead_letters
from admin.cli.flows import flows
from admin.cli.numbers import numbers, templates
from admin.cli.run import demo, sandbox, up
from admin.cli.settings import settings
from admin.cli.shared import OneLineUsageError
from admin.cli.shop import shop
from admin.cli.users import tokens, users

COMMANDS: tuple[click.Command, ...] = (
    up,
    demo,
    sandbox,
    db,
    users,
    tokens,
    numbers,
    templates,
    contacts,
    attributes,
    orders,
    shop,
    lists,
    segments,
    flows,
    campaigns,
    rates,
    budget,
    cases,
    dead_letters,
    settings,
)


class Commands(AppGroup):
    """Flask's group, which says in one line that there is no such command."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command; wrong usage where there is none."""
        command = super().get_command(ctx, cmd_name)
        if command is None and not ctx.resilient_parsing:
            raise OneLineUsageError(f"No such command {cmd_name!r}.", ctx)
        return command


def init_app(app: Flask) -> None:
    """Hang every command into the application."""
    app.cli = Commands(app.name)
    for command in COMMANDS:
        app.cli.add_command(command)


def is_looking_for_a_command() -> bool:
    """Whether Flask loads the application only to see which commands it has.

    Its own commands (run, shell, routes) load it from their own context and want all of it.
    """
    context = click.get_current_context(silent=True)
    return context is not None and context.parent is None
