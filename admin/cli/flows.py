"""Defines `flask flows`."""

import sys
from pathlib import Path

import click

from admin.cli.shared import ACTOR, Group, as_json, existing_file, print_json, print_table, read_stdin, runtime_here
from admin.operations.flow_secrets import list_secrets, remove_secret, set_secret
from admin.operations.flows import (
    FlowNameTakenError,
    LoadedFlowFile,
    check_flow,
    load_flow_file,
    roll_back_flow,
)
from admin.operations.money.flow_price import price_text
from models.crypto import signing_secret
from models.errors import OperatorError


@click.group("flows", cls=Group)
def flows() -> None:
    """Bot flows: the scripts that answer replies."""


@flows.command("load")
@click.argument("file", type=existing_file())
@click.option("--replace", "is_replacing", is_flag=True, help="Load over the flow of this name, if there is one.")
@as_json
def load(file: Path, is_replacing: bool, is_json: bool) -> None:  # noqa: ARG001 - its data is JSON either way
    """Check a flow and store it as the newest version; over another flow of its name only with --replace, or when asked."""
    text = file.read_text(encoding="utf-8-sig")
    try:
        flow = load_flow_file(runtime_here(), text, ACTOR, str(file))
    except FlowNameTakenError as error:
        if not is_replacing and not _is_confirmed(error):
            raise OperatorError("{error}; load over it with --replace", error=error) from None
        flow = load_flow_file(runtime_here(), text, ACTOR, str(file), replaces=error.name)
    _print_loaded(flow)


@flows.command("rollback")
@click.argument("name")
@click.argument("version", type=click.IntRange(min=1))
@as_json
def rollback(name: str, version: int, is_json: bool) -> None:  # noqa: ARG001 - its data is JSON either way
    """Make an earlier VERSION of the flow NAME current: it is stored once more, as the newest version."""
    _print_loaded(roll_back_flow(runtime_here(), name, version, ACTOR))


@flows.command("check")
@click.argument("file", type=existing_file())
@as_json
def check(file: Path, is_json: bool) -> None:
    """Say whether a flow could be loaded, how many messages it sends, and what these cost."""
    flow = check_flow(runtime_here(), file.read_text(encoding="utf-8-sig"), str(file))
    if is_json:
        shown = {"name": flow.name, "nodes": flow.nodes, "warnings": list(flow.warnings)}
        print_json(shown | {"messages": flow.messages, "price": flow.price})
        return
    click.echo(f"{flow.name}: {flow.nodes} nodes, nothing wrong")
    for line in price_text(flow.messages, flow.price):
        click.echo(line)
    for warning in flow.warnings:
        click.echo(f"warning: {warning}")


@flows.group("secret", cls=Group, invoke_without_command=True)
@click.pass_context
def secret(context: click.Context) -> None:
    """Secrets that flows name as {secret.NAME}; alone it prints the one that signs what is posted to a bot of your own."""
    if context.invoked_subcommand is None:
        click.echo(signing_secret(runtime_here().settings.secret_key))


@secret.command("set")
@click.argument("name")
@click.option("--value-stdin", is_flag=True, help="Read the value from standard input; without it, it is asked for.")
def set_one(name: str, value_stdin: bool) -> None:
    """Store the secret NAME, or replace its value, which is never shown again."""
    if not value_stdin and not sys.stdin.isatty():
        raise OperatorError("{name}: give its value on standard input, with --value-stdin", name=name)
    is_replaced = set_secret(runtime_here(), name, read_stdin("The secret's value"), ACTOR)
    click.echo(f"{name} is {'replaced' if is_replaced else 'set'}")


@secret.command("list")
@as_json
def list_all(is_json: bool) -> None:
    """List the secrets, without their values, and the bot flows that use each."""
    rows = [
        {
            "name": row.name,
            "changed": f"{row.updated_at:%Y-%m-%dT%H:%M:%SZ}",
            "by": row.updated_by,
            "state": "ok" if row.is_readable else "encrypted with another key",
            "flows": list(row.flows) if is_json else ", ".join(row.flows),
        }
        for row in list_secrets(runtime_here())
    ]
    if is_json:
        print_json(rows)
    else:
        print_table(rows, ("name", "changed", "by", "state", "flows"))


@secret.command("remove")
@click.argument("name")
def remove(name: str) -> None:
    """Remove the secret NAME, unless a bot flow uses it."""
    remove_secret(runtime_here(), name, ACTOR)
    click.echo(f"{name} is removed")


def _is_confirmed(error: FlowNameTakenError) -> bool:
    """Ask in a terminal; without one nobody can be asked."""
    return sys.stdin.isatty() and click.confirm(f"{error}. Load over it?", err=True)


def _print_loaded(flow: LoadedFlowFile) -> None:
    for warning in flow.warnings:
        click.echo(f"warning: {warning}", err=True)
    print_json({"id": flow.id, "name": flow.name, "version": flow.version})
