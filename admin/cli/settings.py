"""Defines `flask settings`."""

from typing import Any

import click

from admin.cli.shared import ACTOR, Group, as_json, print_json, print_table, runtime_here
from admin.operations.settings import set_setting, show_settings


@click.group("settings", cls=Group)
def settings() -> None:
    """What an operator decides while Hark runs."""


@settings.command("show")
@as_json
def show(is_json: bool) -> None:
    """Every setting with its value."""
    rows = show_settings(runtime_here())
    if is_json:
        print_json(rows)
    else:
        print_table([row | {"value": _format_value(row["value"])} for row in rows], ("key", "value", "text"))


@settings.command("set")
@click.argument("key")
@click.argument("value")
@as_json
def set_(key: str, value: str, is_json: bool) -> None:
    """Give KEY another VALUE; switches are yes and no."""
    setting = set_setting(runtime_here(), key, value, ACTOR)
    if is_json:
        print_json(setting)
    else:
        click.echo(f"{key} is {_format_value(setting['value'])}")


def _format_value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if value != "" else "empty"
