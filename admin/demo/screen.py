"""Prints the demo's progress bar, its table of numbers, and every equation with both sides."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from admin.demo.check import Equation

_PROGRESS_COUNTS = ("sent", "delivered", "read", "replied", "failed")


@contextmanager
def progress_bar(console: Console, stats: Callable[[], Mapping[str, Any]], log: Path) -> Iterator[Callable[[], None]]:
    """Show a progress bar of the campaign's numbers while the block runs; the yielded callable reads them again."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[counts]}"),
    )
    console.print(f"log:     {log}", soft_wrap=True)
    with Progress(*columns, console=console, refresh_per_second=4) as progress:
        task = progress.add_task("launching", total=None, counts="")

        def refresh() -> None:
            numbers = stats()
            done = numbers["sent"] + numbers["held"] + numbers["refused"] + numbers["unsure"]
            counts = "  ".join(f"{name} {numbers[name]}" for name in _PROGRESS_COUNTS)
            doing = "sending" if numbers["queued"] + numbers["sending"] else "listening"
            total = numbers["eligible"] or None
            progress.update(task, description=doing, completed=done, total=total, counts=counts)

        yield refresh


def show_result(console: Console, stats: Mapping[str, Any], equations: Sequence[Equation]) -> None:
    """Print the campaign's numbers, why people were left out, and the equations."""
    numbers = Table(title=f"Campaign {stats['name']}: {stats['outcome']}", title_justify="left")
    numbers.add_column("what")
    numbers.add_column("people", justify="right")
    for name in ("candidates", "eligible", *_PROGRESS_COUNTS, "queued", "sending", "unsure", "held", "refused"):
        numbers.add_row(name, str(stats[name]))
    for name in ("received_pct", "read_pct", "replied_pct", "clicked_pct"):
        numbers.add_row(name, f"{stats[name]} %")
    for reason, people in stats["not_sent"].items():
        numbers.add_row(f"not sent: {reason}", str(people))
    console.print(numbers)
    checks = Table(title="Does it add up?", title_justify="left")
    for column in ("sum", "left", "right", ""):
        checks.add_column(column, justify="left" if column in {"sum", ""} else "right")
    for item in equations:
        checks.add_row(item.text, _side(item.left), _side(item.right), "yes" if item.holds else "NO")
    console.print(checks)
    if all(item.holds for item in equations):
        console.print("Every number adds up.")


def _side(value: Any) -> str:
    return f"{len(value)} ids" if isinstance(value, set) else str(value)
