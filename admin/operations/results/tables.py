"""Writes the data behind curves, trends and comparisons as rows of CSV. They name nobody."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from io import StringIO
from typing import Any

from admin.operations.results.compare import HOURS, Compared
from models.campaigns.export import moment
from models.results.curve import Point
from models.results.figures import FACTS
from models.results.roll_up import NAMES
from models.results.trends import Measure, TrendRow, Trends
from models.table_files.csv_file import csv_cell

CURVE_COLUMNS = ("at", *FACTS)
TREND_COLUMNS = (
    "by", "value", "campaigns", *NAMES,
    *(f"{measure.value}_{part}" for measure in Measure for part in ("pct", "low", "high")),
)  # fmt: skip
COMPARE_COLUMNS = ("id", "name", "hour", *FACTS)


def curve_rows(points: Iterable[Point]) -> Iterator[Sequence[Any]]:
    """A row per point, with the moment in UTC."""
    for point in points:
        yield moment(point.at.astimezone(UTC)), *(point.people[fact] for fact in FACTS)


def trend_rows(trends: Trends) -> Iterator[Sequence[Any]]:
    """A row per week, type, number, …"""
    groups: list[tuple[str, Iterable[TrendRow]]] = [("week", trends.weeks), ("type", trends.by_type)]
    for name, rows in [*groups, *((name.value, rows) for name, rows in trends.by.items())]:
        for row in rows:
            rates = [row.rate(measure) for measure in Measure]
            shares = [value for rate in rates for value in (rate.pct, *rate.interval)]
            yield name, row.label, len(row.campaigns), *(row.people[it] for it in NAMES), *shares


def compare_rows(compared: Iterable[Compared]) -> Iterator[Sequence[Any]]:
    """A row per campaign and hour since its first message: people up to the end of that hour."""
    for it in compared:
        until = it.curve.since_start()
        for hour in range(min(HOURS, len(until["sent"]))):
            yield it.stats["id"], it.stats["name"], hour + 1, *(until[fact][hour] for fact in FACTS)


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """The text of the file: UTF-8 without a mark, in which no cell is a formula."""
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([csv_cell(cell) for cell in row] for row in rows)
    return buffer.getvalue()
