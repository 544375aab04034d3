"""Reads a workbook in a process of its own, which may use only so much memory and time: a hostile one takes nobody else along.

The process (`python -m jobs.imports.xlsx_process`) is told on its standard input what to read, and prints a line of JSON for the
sheet and one for each row.
"""

import os
import resource
import selectors
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

import orjson

from jobs.core.child_process import kill_with_parent
from jobs.imports import xlsx
from jobs.imports.errors import BadFileError
from jobs.imports.header import Header
from jobs.imports.reader import MIB, Sheet, SheetChoices, SourceLine
from models.text import Text

ROOT = Path(__file__).resolve().parent.parent.parent
MEMORY_BYTES = 1024 * MIB
CPU_SECONDS = 1200
"""A workbook of a million rows and 20 columns takes about 200."""
SILENT_SECONDS = 60.0
"""How long the next row, or the first, may take."""
AT_ONCE = 4
WAIT_SECONDS = 30.0
_CHUNK = 1 << 16
_places = BoundedSemaphore(AT_ONCE)


@contextmanager
def open_xlsx(path: Path, choices: SheetChoices) -> Iterator[Sheet]:
    """Open the sheet that `xlsx.read_xlsx` finds. Its rows can be read until the block ends.

    Raises BadFileError as that does, and if the workbook needs more memory or time than one may.
    """
    if not _places.acquire(timeout=WAIT_SECONDS):
        raise BadFileError("{file}: too many workbooks are being read just now; try again in a moment", file=path.name)
    try:
        with _start() as process:
            try:
                task = {
                    "path": str(path.absolute()),
                    "choices": _plain(choices),
                    "limits": xlsx.limits(),
                    "memory": MEMORY_BYTES,
                }
                answers = _answers(process, path, orjson.dumps(task))
                sheet = _sheet(next(answers))
                yield replace(sheet, lines=(_line(answer) for answer in answers))
            finally:
                process.kill()
    finally:
        _places.release()


def _start() -> subprocess.Popen[bytes]:
    environment = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "LC_CTYPE") if name in os.environ}
    return subprocess.Popen(
        [sys.executable, "-m", "jobs.imports.xlsx_process"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        umask=0o077,
        preexec_fn=kill_with_parent(),  # noqa: PLW1509 - one system call, no lock taken
    )


def _answers(process: subprocess.Popen[bytes], path: Path, task: bytes) -> Iterator[Any]:
    """What the process prints, until it says that this is the end. Raises BadFileError if it names one, dies or is silent."""
    assert process.stdin is not None  # noqa: S101 - both are pipes
    assert process.stdout is not None  # noqa: S101
    with suppress(BrokenPipeError):  # if it died: below nothing comes
        process.stdin.write(task)
        process.stdin.close()
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            chunk = os.read(process.stdout.fileno(), _CHUNK) if selector.select(SILENT_SECONDS) else b""
            if not chunk:
                raise BadFileError(
                    "{file} needs more memory or time than a workbook may; save it as CSV", file=path.name
                )
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                answer = orjson.loads(line)
                if "error" in answer:
                    raise BadFileError("{problem}", problem=Text(answer["error"], answer["values"]))
                if "end" in answer:
                    return
                yield answer


def _plain(choices: SheetChoices) -> dict[str, Any]:
    return asdict(choices) | {"known_names": sorted(choices.known_names)}


def _sheet(answer: Any) -> Sheet:
    header = answer.pop("header")
    header["made_names"] = frozenset(header["made_names"])
    return Sheet(
        Header(**header), iter(()), answer["header_row"], title=answer["title"], titles=tuple(answer["titles"])
    )


def _line(answer: Any) -> SourceLine:
    bad_cells = {int(place): problem for place, problem in answer["bad_cells"].items()}
    return SourceLine(answer["number"], answer["cells"], answer["problem"], bad_cells)


def _print(answer: Any) -> None:
    sys.stdout.buffer.write(orjson.dumps(answer, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE))


def main() -> None:
    """Read the workbook that standard input names, within the limits."""
    task = orjson.loads(sys.stdin.buffer.read())
    resource.setrlimit(resource.RLIMIT_AS, (task["memory"], task["memory"]))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    choices = SheetChoices(**(task["choices"] | {"known_names": frozenset(task["choices"]["known_names"])}))
    xlsx.set_limits(task["limits"])
    try:
        sheet = xlsx.read_xlsx(Path(task["path"]), choices)
        header = asdict(sheet.header) | {
            "made_names": sorted(sheet.header.made_names),
            "given": list(sheet.header.given),
        }
        _print({"header": header, "header_row": sheet.header_row, "title": sheet.title, "titles": sheet.titles})
        for line in sheet.lines:
            _print(
                {"number": line.number, "cells": line.cells, "problem": line.problem, "bad_cells": dict(line.bad_cells)}
            )
        _print({"end": True})
    except BadFileError as error:
        values = {name: value if isinstance(value, int) else str(value) for name, value in error.text.values.items()}
        _print({"error": error.text.template, "values": values})
    except MemoryError:
        sys.exit(1)
    except Exception:  # noqa: BLE001 - a workbook that somebody made to break the reader
        _print({"error": "{file} is no readable XLSX file", "values": {"file": Path(task["path"]).name}})
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
