"""Defines `flask flows`."""

import sys
from pathlib import Path

import click

from admin.cli.shared import ACTOR, Group, as_json, existing_file, print_json, runtime_here
from admin.operations.flows import (
    FlowNameTakenError,
    LoadedFlowFile,
    check_flow,
    load_flow_file,
    roll_back_flow,
)
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
    """Say whether a flow could be loaded."""
    flow = check_flow(runtime_here(), file.read_text(encoding="utf-8-sig"), str(file))
    if is_json:
        print_json({"name": flow.name, "nodes": flow.nodes, "warnings": list(flow.warnings)})
        return
    click.echo(f"{flow.name}: {flow.nodes} nodes, nothing wrong")
    for warning in flow.warnings:
        click.echo(f"warning: {warning}")


@flows.command("secret")
def secret() -> None:
    """Print the secret that signs what is posted to a bot of your own."""
    click.echo(signing_secret(runtime_here().settings.secret_key))


def _is_confirmed(error: FlowNameTakenError) -> bool:
    """Ask in a terminal; without one nobody can be asked."""
    return sys.stdin.isatty() and click.confirm(f"{error}. Load over it?", err=True)


def _print_loaded(flow: LoadedFlowFile) -> None:
    for warning in flow.warnings:
        click.echo(f"warning: {warning}", err=True)
    print_json({"id": flow.id, "name": flow.name, "version": flow.version})
