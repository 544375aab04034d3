"""Defines `flask audit`."""

import sys

import click

from admin.cli.shared import Group, as_json, fail, print_json, runtime_here
from admin.operations.audit import verify_audit
from models.clock import utcnow


@click.group("audit", cls=Group)
def audit() -> None:
    """Who did what to what, and when."""


@audit.command("verify")
@click.option("--end", "expected", help="An end (NUMBER:HASH) that was printed earlier: it must still be there.")
@as_json
def verify(expected: str | None, is_json: bool) -> None:
    """Check that no row of the audit was changed, removed, inserted or moved; exit 1 where one was."""
    report = verify_audit(runtime_here(), utcnow(), expected)
    if is_json:
        print_json(report.to_json())
        sys.exit(0 if report.check.broken is None else 1)
    if report.check.broken is not None:
        fail(report.sentence())
    click.echo(report.sentence())
