"""Defines `flask attributes`."""

from typing import Any

import click

from admin.cli.shared import ACTOR, Group, as_json, print_json, print_table, runtime_here
from admin.operations.attributes import add_attribute, change_attribute_by_name, list_attributes
from models.tables.tag import AttributeType

_TYPES = click.Choice([kind.value for kind in AttributeType])


@click.group("attributes", cls=Group)
def attributes() -> None:
    """Fields of contacts that you define: their types and defaults."""


@attributes.command("list")
@as_json
def list_(is_json: bool) -> None:
    """Every attribute with its type and default."""
    rows = list_attributes(runtime_here())
    print_json(rows) if is_json else print_table(rows, ("name", "type", "default"))


@attributes.command("add")
@click.argument("name")
@click.option("--type", "kind", type=_TYPES, required=True, help="What its values are.")
@click.option("--default", help="Stands in for contacts without a value.")
@as_json
def add(name: str, kind: str, default: str | None, is_json: bool) -> None:
    """Define the attribute NAME."""
    _print_attribute(add_attribute(runtime_here(), name, kind, default, ACTOR), is_json)


@attributes.command("set")
@click.argument("name")
@click.option("--default", help="Stands in for contacts without a value; empty takes it away.")
@click.option("--type", "kind", type=_TYPES, help="Only where every stored value can be read so.")
@as_json
def set_(name: str, default: str | None, kind: str | None, is_json: bool) -> None:
    """Give the attribute NAME another default or type."""
    if default is None and kind is None:
        raise click.UsageError("give --default, --type or both")
    _print_attribute(change_attribute_by_name(runtime_here(), name, kind, default, ACTOR), is_json)


def _print_attribute(data: dict[str, Any], is_json: bool) -> None:
    default = data["default"]
    default_text = "without a default" if default is None else f"with the default “{default}”"
    print_json(data) if is_json else click.echo(f"{data['name']} is {data['type']}, {default_text}")
