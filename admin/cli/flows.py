"""Defines `flask flows`."""

from pathlib import Path

import click

from admin.cli.shared import ACTOR, Group, as_json, existing_file, print_json, runtime_here
from admin.operations.flows import check_flow, load_flow_file
from models.crypto import signing_secret


@click.group("flows", cls=Group)
def flows() -> None:
    """Bot flows: the scripts that answer replies."""


@flows.command("load")
@click.argument("file", type=existing_file())
@as_json
def load(file: Path, is_json: bool) -> None:  # noqa: ARG001 - its data is JSON either way
    """Check a flow and store it as the newest version."""
    flow = load_flow_file(runtime_here(), file.read_text(encoding="utf-8-sig"), ACTOR, str(file))
    for warning in flow.warnings:
        click.echo(f"warning: {warning}", err=True)
    print_json({"id": flow.id, "name": flow.name, "version": flow.version})


@flows.command("check")
@click.argument("file", type=existing_file())
@as_json
def check(file: Path, is_json: bool) -> None:
    """Say whether a flow could be loaded."""
    flow = check_flow(file.read_text(encoding="utf-8-sig"), str(file))
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
