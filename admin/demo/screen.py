"""What the demo shows: a bar that moves, a table of numbers, and every sum with its two sides."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from admin.demo.check import Sum

_SHOWN = ("sent", "delivered", "read", "replied", "failed")


@contextmanager
def watching(console: Console, stats: Callable[[], Mapping[str, Any]], log: Path) -> Iterator[Callable[[], None]]:
    """A progress bar over the campaign's numbers; the callable that is given looks again."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[counts]}"),
    )
    console.print(f"log:     {log}", soft_wrap=True)
    with Progress(*columns, console=console, refresh_per_second=4) as progress:
        task = progress.add_task("launching", total=None, counts="")

        def look() -> None:
            found = stats()
            done = found["sent"] + found["held"] + found["refused"] + found["unsure"]
            counts = "  ".join(f"{name} {found[name]}" for name in _SHOWN)
            doing = "sending" if found["queued"] + found["sending"] else "listening"
            total = found["eligible"] or None
            progress.update(task, description=doing, completed=done, total=total, counts=counts)

        yield look


def show_result(console: Console, stats: Mapping[str, Any], sums: Sequence[Sum]) -> None:
    """The campaign's numbers, why people were left out, and the sums."""
    numbers = Table(title=f"Campaign {stats['name']}: {stats['outcome']}", title_justify="left")
    numbers.add_column("what")
    numbers.add_column("people", justify="right")
    for name in ("candidates", "eligible", *_SHOWN, "queued", "sending", "unsure", "held", "refused"):
        numbers.add_row(name, str(stats[name]))
    for name in ("received_pct", "read_pct", "replied_pct"):
        numbers.add_row(name, f"{stats[name]} %")
    for reason, people in stats["not_sent"].items():
        numbers.add_row(f"not sent: {reason}", str(people))
    console.print(numbers)
    checks = Table(title="Does it add up?", title_justify="left")
    for column in ("sum", "left", "right", ""):
        checks.add_column(column, justify="left" if column in {"sum", ""} else "right")
    for item in sums:
        checks.add_row(item.text, _side(item.left), _side(item.right), "yes" if item.is_right else "NO")
    console.print(checks)
    if all(item.is_right for item in sums):
        console.print("Every number adds up.")


def _side(value: Any) -> str:
    return f"{len(value)} ids" if isinstance(value, set) else str(value)
