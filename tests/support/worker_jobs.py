"""Jobs for the worker's tests, found by their dotted path."""

import os
import time
from pathlib import Path

from jobs.core.shutdown import SHUTDOWN


def note(path: str, text: str) -> None:
    """Append a line, in one write."""
    with Path(path).open("a", encoding="utf-8") as file:
        file.write(f"{text}\n")


def note_pid(path: str) -> None:
    note(path, str(os.getpid()))


def until_stopping(path: str) -> None:
    """As a lane does: goes on until it is told to stop, drains a little, and says so."""
    note(path, "began")
    is_told = SHUTDOWN.wait(60)
    time.sleep(0.3)
    note(path, "drained" if is_told else "was never told")


def fail(secret: str) -> None:
    raise ValueError(f"the customer wrote: {secret}")
