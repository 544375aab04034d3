"""Exports the people of a campaign, one row per candidate, all or those of some figures."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from admin.operations.campaigns import load_campaign
from admin.operations.exports.table import ExportTable, stream_table, write_table
from jobs.core.runtime import Runtime
from models.campaigns.export import COLUMNS, export_rows
from models.segments.campaign_people import PeopleChoice
from models.table_files.formats import TableFormat

PAGE = 2000


def campaign_table(rt: Runtime, campaign_id: int, choice: PeopleChoice | None = None) -> ExportTable:
    """The people of a campaign as a table. Raises CampaignNotFoundError if there is no such campaign."""
    load_campaign(rt, campaign_id)
    return ExportTable("campaign", campaign_id, COLUMNS, lambda: _rows(rt, campaign_id, choice or PeopleChoice()))


def export_lines(rt: Runtime, campaign_id: int, actor: str, *, for_excel: bool = False) -> Iterator[str]:
    """Yield the CSV, a chunk of lines at a time. The export is audited.

    Raises CampaignNotFoundError, before the first chunk, if there is no such campaign.
    """
    chunks = stream_table(rt, campaign_table(rt, campaign_id), TableFormat.CSV, actor, for_excel=for_excel)
    return (chunk.decode() for chunk in chunks)


def write_export(
    rt: Runtime,
    campaign_id: int,
    path: Path,
    actor: str,
    *,
    for_excel: bool = False,
    choice: PeopleChoice | None = None,
    columns: Iterable[str] = (),
) -> int:
    """Write the export to a file, XLSX or CSV by its ending, atomically; returns the number of candidates in it.

    Raises CampaignNotFoundError if there is no such campaign, OperatorError if a column is not known, and OSError
    if the file cannot be written.
    """
    table = campaign_table(rt, campaign_id, choice).only(columns)
    return write_table(rt, table, path, actor, for_excel=for_excel)


def _rows(rt: Runtime, campaign_id: int, choice: PeopleChoice) -> Iterator[tuple[Any, ...]]:
    after_id = 0
    while True:
        with rt.database.read() as session:
            page = export_rows(session, campaign_id, after_id, PAGE, choice=choice)
        if not page:
            return
        after_id = page[-1].id
        yield from (row.cells for row in page)
