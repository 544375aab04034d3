"""Answers with the file of a list, and renders the page on which its columns are chosen."""

from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue

from admin.operations.exports.table import ExportTable, stream_table
from admin.panel.base import PanelView
from models.table_files.formats import TableFormat


def download(view: PanelView, table: ExportTable, table_format: TableFormat, stem: str) -> ResponseReturnValue:
    """Stream the file, with the columns that the address names (`column`, repeated), or all; an unknown one is left out."""
    chosen = [name for name in request.args.getlist("column") if name in table.columns]
    chunks = stream_table(view.rt, table.only(chosen), table_format, view.me.email, for_excel=True)
    headers = {"Content-Disposition": f'attachment; filename="{stem}.{table_format}"', "Cache-Control": "no-store"}
    return Response(chunks, mimetype=table_format.mimetype, headers=headers)


def column_page(
    view: PanelView, table: ExportTable, title: str, lede: str, endpoints: tuple[str, str], **values: Any
) -> str:
    """Render the choice of columns. `endpoints`: of the CSV and of the XLSX file; `values`: their arguments.

    What the address says besides stays with the export: which people, which search.
    """
    given = [(name, text) for name in request.args for text in request.args.getlist(name) if name != "column"]
    return view.render(
        "panel/export.html",
        title=title,
        lede=lede,
        columns=table.columns,
        given=given,
        csv_url=url_for(endpoints[0], **values),
        xlsx_url=url_for(endpoints[1], **values),
    )
