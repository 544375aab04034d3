"""Defines `flask export`."""

from pathlib import Path

import click
from sqlalchemy import select

from admin.cli.shared import ACTOR, Command, as_json, print_json, runtime_here
from admin.operations.exports.lists import cases_table, contacts_table, orders_table, segment_table
from admin.operations.exports.table import ExportTable, write_table
from jobs.core.runtime import Runtime
from models.contacts.tagging import find_list
from models.errors import OperatorError
from models.tables.segment import Segment

KINDS = ("contacts", "list", "segment", "cases", "orders")


@click.command("export", cls=Command)
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("name", required=False)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True, metavar="FILE")
@click.option("--excel", "for_excel", is_flag=True, help="Begin a CSV file with the mark by which Excel knows UTF-8.")
@click.option("--columns", default="", help="Only these columns, separated by commas.")
@as_json
def export(kind: str, name: str | None, output: Path, for_excel: bool, columns: str, is_json: bool) -> None:
    """Contacts, a list, a segment, cases or orders as a CSV or XLSX file."""
    if (name is None) == (kind in {"list", "segment"}):
        raise click.UsageError(f"{kind}: {'which one?' if name is None else 'there is no NAME to give'}")
    rt = runtime_here()
    names = [text.strip() for text in columns.split(",") if text.strip()]
    rows = write_table(rt, _table(rt, kind, name or "").only(names), output, ACTOR, for_excel=for_excel)
    print_json({"rows": rows, "file": str(output)}) if is_json else click.echo(f"{rows} rows in {output}")


def _table(rt: Runtime, kind: str, name: str) -> ExportTable:
    if kind == "cases":
        return cases_table(rt)
    if kind == "orders":
        return orders_table(rt)
    if kind == "contacts":
        return contacts_table(rt, {})
    with rt.database.read() as session:
        found = (
            find_list(session, name)
            if kind == "list"
            else session.scalar(select(Segment.id).where(Segment.name == name))
        )
    if found is None:
        raise OperatorError("{name}: there is no such {kind}", name=name, kind=kind)
    return contacts_table(rt, {"list_id": found}) if kind == "list" else segment_table(rt, found)
