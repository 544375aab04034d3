"""Faults of the machine under whole processes: a power cut, a full disk, a clock that jumps. A library in C makes them.

No file system that forgets runs everywhere without root, so the library records what is written and what is synced, and
`PowerCut.cut` writes back what a disk may have kept.
"""

import os
import random
import shutil
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("faults.c")
_HEAD = struct.Struct("=IIQQ")
_WRITE, _TRUNCATE, _RENAME, _REMOVE, _SYNC = range(1, 6)
_NOT_KEPT = (".log", "-shm")
"""Logs of the test, and SQLite's index of the WAL, which it makes again."""


def compile_faults(directory: Path) -> Path:
    """The library. Skips the test where there is no C compiler."""
    library = directory / "faults.so"
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    done = subprocess.run(
        [compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return library


class Faults:
    """What the processes that are started with `environment` see of the machine below `directory`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
        self.home = self.directory.with_name(self.directory.name + ".faults")
        self.home.mkdir()
        self._log, self._full, self._clock = self.home / "log", self.home / "full", self.home / "clock"
        self._log.touch()
        self._clock.write_bytes(struct.pack("=d", 0.0))
        self._begin = self.home / "begin"
        self.environment = {
            "LD_PRELOAD": str(compile_faults(self.home)),
            "FAULTS_DIR": str(self.directory),
            "FAULTS_LOG": str(self._log),
            "FAULTS_FULL": str(self._full),
            "FAULTS_CLOCK": str(self._clock),
        }

    def remember(self) -> None:
        """Take what is there now for what is safely on the disk."""
        shutil.rmtree(self._begin, ignore_errors=True)
        shutil.copytree(self.directory, self._begin, ignore=shutil.ignore_patterns("*.sock", "*.log"))
        self._log.write_bytes(b"")

    def fill_disk(self) -> None:
        """From now on nothing more can be written."""
        self._full.touch()

    def free_disk(self) -> None:
        """There is room again."""
        self._full.unlink(missing_ok=True)

    def move_clock(self, seconds: float) -> None:
        """The clock of the processes is so far ahead of ours from now on."""
        with self._clock.open("r+b") as file:
            file.write(struct.pack("=d", seconds))

    def cut_power(self, chance: random.Random) -> "Cut":
        """Once every process is dead: put the directory into a state in which a disk may be after a power cut.

        Kept is all that was synced, and of the rest, file by file, nothing, a part from the beginning, or a part of the writes in
        any order, of which the last may be torn. A name that was changed counts once anything in its folder was synced after it.
        """
        disk = _Disk(self._begin, self.directory)
        cut = disk.replay(self._log.read_bytes(), chance)
        for path in [path for path in self.directory.rglob("*") if path.is_file() and not path.name.endswith(".log")]:
            path.unlink()
        disk.write(self.directory)
        self.remember()
        return cut


@dataclass
class Cut:
    """What the power cut did: how much was recorded and how many writes were lost."""

    writes: int = 0
    syncs: int = 0
    lost: int = 0


@dataclass
class _File:
    """A file on the disk, and the writes and truncations (data None) that may not be on it yet, each with its place in the log."""

    safe: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, int, bytes | None]] = field(default_factory=list)

    def sync(self, until: int) -> None:
        for at, place, data in self.pending:
            if at < until:
                self.apply(place, data)
        self.pending = [item for item in self.pending if item[0] >= until]

    def apply(self, place: int, data: bytes | None) -> None:
        if data is None:
            del self.safe[place:]
            self.safe.extend(bytes(place - len(self.safe)))
            return
        self.safe.extend(bytes(max(0, place - len(self.safe))))
        self.safe[place : place + len(data)] = data

    def lose(self, chance: random.Random) -> int:
        """Decide what of the rest is on the disk; returns how many writes are not."""
        way = chance.choice(("nothing", "beginning", "any"))
        kept = {
            "nothing": [],
            "beginning": self.pending[: chance.randint(0, len(self.pending))],
            "any": [item for item in self.pending if chance.random() < 0.5],
        }[way]
        lost = len(self.pending) - len(kept)
        for number, (_, place, data) in enumerate(kept):
            is_torn = data is not None and number == len(kept) - 1 and chance.random() < 0.5
            self.apply(place, data[: chance.randint(0, len(data))] if is_torn and data is not None else data)
        self.pending = []
        return lost


class _Disk:
    """The files by their paths, and the changes of names that may not be on the disk yet."""

    def __init__(self, begin: Path, directory: Path) -> None:
        self.root = directory
        self.files: dict[str, _File] = {}
        for path in (path for path in begin.rglob("*") if path.is_file()):
            self.files[str(directory / path.relative_to(begin))] = _File(bytearray(path.read_bytes()))
        self.undo: list[tuple[str, str | None, _File | None, _File]] = []
        """Changes of names in their order: the old path, the new one (None: removed), what stood there, and the file."""

    def replay(self, log: bytes, chance: random.Random) -> Cut:
        cut = Cut()
        for at, kind, path, place, data in _records(log):
            if kind in {_WRITE, _TRUNCATE}:
                cut.writes += 1
                item = (at, place, data if kind == _WRITE else None)
                self.files.setdefault(path, _File()).pending.append(item)
            elif kind == _RENAME:
                self._move(path, data.decode())
            elif kind == _REMOVE:
                self._move(path, None)
            else:
                cut.syncs += 1
                self._sync(path, place)
        # Names are a journal: what is not on the disk is missing from its end.
        while self.undo and chance.random() < 0.5:
            old, new, replaced, file = self.undo.pop()
            if new is not None:
                self.files.pop(new, None)
                if replaced is not None:
                    self.files[new] = replaced
            self.files[old] = file
        cut.lost = sum(file.lose(chance) for file in self.files.values())
        return cut

    def write(self, directory: Path) -> None:
        """Write the files back. Their folders are there."""
        for path, file in self.files.items():
            if not path.endswith(_NOT_KEPT):
                Path(path).parent.mkdir(parents=True, exist_ok=True)
                Path(path).write_bytes(file.safe)
                Path(path).chmod(0o600)

    def _move(self, old: str, new: str | None) -> None:
        file = self.files.pop(old, None)
        if file is None:
            return
        self.undo.append((old, new, self.files.get(new) if new else None, file))
        if new is not None:
            self.files[new] = file

    def _sync(self, path: str, until: int) -> None:
        if path in self.files:
            self.files[path].sync(until)
        folder = path if path not in self.files else os.path.dirname(path)  # noqa: PTH120 - a text from the log
        self.undo = [item for item in self.undo if os.path.dirname(item[1] or item[0]) != folder]  # noqa: PTH120


def _records(log: bytes) -> Iterator[tuple[int, int, str, int, bytes]]:
    """Each record with its place in the log: kind, path, place in the file (of a sync: in the log), data."""
    at = 0
    while at + _HEAD.size <= len(log):
        kind, path_bytes, place, size = _HEAD.unpack_from(log, at)
        start = at + _HEAD.size
        path, data = log[start : start + path_bytes], log[start + path_bytes : start + path_bytes + size]
        yield at, kind, path.decode(), place, data
        at = start + path_bytes + size
