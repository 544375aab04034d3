"""Exports a campaign as CSV, one row per candidate, read in pages; cells are escaped against spreadsheet formulas."""

import csv
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

from admin.operations.campaigns import load_campaign
from admin.operations.export_record import record_export
from jobs.core.runtime import Runtime
from models.campaigns.export import COLUMNS, csv_cell, export_rows
from models.files import PUBLIC, replace_file
from models.spreadsheets import BYTE_ORDER_MARK

PAGE = 2000


def export_lines(rt: Runtime, campaign_id: int, actor: str, *, for_excel: bool = False) -> Iterator[str]:
    """Yield the CSV, a page of lines at a time; no transaction is open while a page is consumed. The export is audited.

    `for_excel`: it begins with the mark by which Excel knows UTF-8. Raises CampaignNotFoundError, before the first page, if there
    is no such campaign.
    """
    return (text for text, _ in _export(rt, campaign_id, actor, for_excel=for_excel))


def write_export(rt: Runtime, campaign_id: int, path: Path, actor: str, *, for_excel: bool = False) -> int:
    """Write the CSV of `export_lines` to a file, atomically; returns the number of candidates.

    Raises CampaignNotFoundError if there is no such campaign, and OSError if the file cannot be written.
    """
    pages = _export(rt, campaign_id, actor, for_excel=for_excel)
    candidates = 0
    with replace_file(path, PUBLIC) as file:
        for text, count in pages:
            file.write(text.encode())
            candidates += count
    return candidates


def _export(rt: Runtime, campaign_id: int, actor: str, *, for_excel: bool) -> Iterator[tuple[str, int]]:
    load_campaign(rt, campaign_id)
    record_export(rt, actor, "campaign", campaign_id)
    return _pages(rt, campaign_id, for_excel=for_excel)


def _pages(rt: Runtime, campaign_id: int, *, for_excel: bool) -> Iterator[tuple[str, int]]:
    """Text with the number of candidates in it: their cells may hold line ends."""
    yield (BYTE_ORDER_MARK if for_excel else "") + _csv([COLUMNS]), 0
    after_id = 0
    while True:
        with rt.database.read() as session:
            page = export_rows(session, campaign_id, after_id, PAGE)
        if not page:
            return
        after_id = page[-1].id
        yield _csv([[csv_cell(cell) for cell in row.cells] for row in page]), len(page)


def _csv(rows: Any) -> str:
    buffer = StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerows(rows)
    return buffer.getvalue()
