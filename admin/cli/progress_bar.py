"""Draws a progress bar for an import on standard error."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from jobs.imports import result as import_result


@contextmanager
def progress_bar() -> Iterator[import_result.Progress]:
    """Show the bar while the block runs; yields a function of (rows done, rows in all)."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda done, total: bar.update(task, description="taking", completed=done, total=total)
