"""Removes a person from the file of unexpected errors, into which an earlier version wrote the text of errors."""

from collections.abc import Callable
from pathlib import Path

from models.files import replace_file


def redact_error_log(var_dir: Path, matches: Callable[[str], bool]) -> None:
    """Remove the lines that name a person; `matches` returns True for a text that does."""
    path = var_dir / "log" / "errors.log"
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    except OSError:
        return
    remaining = [line for line in lines if not matches(line)]
    if len(remaining) != len(lines):
        with replace_file(path) as file:
            file.write("".join(remaining).encode())
