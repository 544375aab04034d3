"""Defines the commands of `flask campaigns` that show results."""

from typing import Any

import click

from admin.cli.shared import as_json, print_json, print_table, runtime_here
from admin.operations.results.compare import Compared, compare_campaigns, compared_json, verdict_of
from admin.operations.results.tables import COMPARE_COLUMNS, as_csv, compare_rows
from models.results.trends import Measure

COLUMNS = ("id", "name", "sent", *(measure.value for measure in Measure))


@click.command("compare")
@click.argument("campaign_ids", metavar="ID ID…", type=int, nargs=-1, required=True)
@click.option("--csv", "is_csv", is_flag=True, help="What happened by hours since each one's first message, as CSV.")
@as_json
def compare(campaign_ids: tuple[int, ...], is_csv: bool, is_json: bool) -> None:
    """Two to five campaigns side by side, with 95 % intervals (Wilson)."""
    compared = compare_campaigns(runtime_here(), campaign_ids)
    if is_json:
        print_json(compared_json(compared))
    elif is_csv:
        click.echo(as_csv(COMPARE_COLUMNS, compare_rows(compared)), nl=False)
    else:
        print_table([_row(it, compared[0]) for it in compared], COLUMNS)


def _row(it: Compared, first: Compared) -> dict[str, Any]:
    cells = {"id": it.stats["id"], "name": it.stats["name"], "sent": it.stats["sent"]}
    for measure in Measure:
        rate, (low, high) = it.rate(measure), it.rate(measure).interval
        text = f"{rate.pct} % ({low}–{high})" if rate.is_enough else "too few to tell"
        verdict = verdict_of(it, first, measure).value if it is not first and rate.is_enough else ""
        cells[measure.value] = f"{text} {verdict.replace('_', ' ')}".strip()
    return cells
