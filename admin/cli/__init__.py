"""Registers the `flask …` commands. The module of a command is imported when the command is called."""

import click
from flask import Flask
from flask.cli import AppGroup

from admin.cli.lazy import LazyCommand
from admin.cli.usage import OneLineUsageError

COMMANDS = tuple(
    LazyCommand(name, target, text)
    for name, target, text in (
        (
            "up",
            "admin.cli.run:up",
            "Everything in one terminal: migrations, Redis if none is given, web, workers, ingest, schedules.",
        ),
        ("demo", "admin.cli.run:demo", "A whole campaign against a simulated Meta, watched to its end."),
        ("sandbox", "admin.cli.run:sandbox", "The simulated Meta alone; its own --help tells the options."),
        ("db", "admin.cli.db:db", "The database's schema."),
        ("backup", "admin.cli.backup:backup", "Write database and media to one file, while Hark goes on."),
        ("restore", "admin.cli.backup:restore", "Put a backup back; nothing of this Hark may run meanwhile."),
        ("audit", "admin.cli.audit:audit", "Who did what to what, and when."),
        ("users", "admin.cli.users:users", "People who work with the panel."),
        ("tokens", "admin.cli.users:tokens", "Bearer tokens for programs."),
        ("numbers", "admin.cli.numbers:numbers", "WhatsApp numbers of ours."),
        ("templates", "admin.cli.templates:templates", "Message templates."),
        ("catalog", "admin.cli.catalog:catalog", "Products of Meta's catalogs."),
        ("media", "admin.cli.media:media", "The library of pictures, videos and documents that messages show."),
        ("contacts", "admin.cli.contacts:contacts", "People."),
        (
            "attributes",
            "admin.cli.attributes:attributes",
            "Fields of contacts that you define: their types and defaults.",
        ),
        ("orders", "admin.cli.audience:orders", "What people bought."),
        ("shop", "admin.cli.shop:shop", "The Shopify shop: its customers, and what it is asked and told."),
        ("tags", "admin.cli.tags:tags", "Labels on contacts."),
        ("lists", "admin.cli.audience:lists", "Static sets of contacts."),
        ("segments", "admin.cli.audience:segments", "Stored rules that contacts match at the moment it is asked."),
        ("flows", "admin.cli.flows:flows", "Bot flows: the scripts that answer replies."),
        ("campaigns", "admin.cli.campaigns:campaigns", "One-time messages to an audience."),
        ("links", "admin.cli.links:links", "Tracked links of campaigns: who opened them."),
        ("results", "admin.cli.results:results", "What came of campaigns, summed up."),
        ("export", "admin.cli.export:export", "Contacts, a list, a segment, cases or orders as a CSV or XLSX file."),
        ("proof", "admin.cli.proof:proof", "Signed files that show what a campaign sent to a person, and why."),
        ("rates", "admin.cli.billing:rates", "What a delivered message costs, by country and category."),
        ("budget", "admin.cli.billing:budget", "What may be spent."),
        ("billing", "admin.cli.statement:billing", "A month's statement, and how it compares with Meta's own books."),
        ("cases", "admin.cli.audience:cases", "Conversations in the hands of people."),
        ("dead-letters", "admin.cli.dead_letters:dead_letters", "Events that could not be processed."),
        (
            "clock",
            "admin.cli.clock:clock",
            "The clocks, which must agree before anything is ended, purged or started by time.",
        ),
        ("settings", "admin.cli.settings:settings", "What an operator decides while Hark runs."),
    )
)


class Commands(AppGroup):
    """Flask's group of commands; an unknown command is reported in one line."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command. Raises OneLineUsageError if there is none of this name."""
        command = super().get_command(ctx, cmd_name)
        if command is None and not ctx.resilient_parsing:
            raise OneLineUsageError(f"No such command {cmd_name!r}.", ctx)
        return command


def init_app(app: Flask) -> None:
    """Register every command with the application."""
    app.cli = Commands(app.name)
    for command in COMMANDS:
        app.cli.add_command(command)


def is_looking_for_a_command() -> bool:
    """Whether Flask loads the application only to see which commands it has.

    Its own commands (run, shell, routes) load it from their own context and want all of it.
    """
    context = click.get_current_context(silent=True)
    return context is not None and context.parent is None
