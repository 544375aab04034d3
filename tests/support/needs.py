"""What a test needs of the machine, as marks: read from the fixtures that it takes, so that nobody has to say it."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import pytest

MARK_OF_FIXTURE = {
    "redis_url": "redis",
    "sqlite_template": "sqlite",
    "postgres_template": "postgres",
    "browser": "browser",
}
MARK_OF_DATABASE = {"sqlite": "sqlite", "postgresql": "postgres"}
URLS = ("database_url", "unmigrated_url")
MAY_START_PROCESSES = ("process", "browser")


class UnmarkedProcessError(AssertionError):
    """A test that is not marked with `process` started one."""


def mark_needs(item: pytest.Item) -> None:
    """Add the marks that follow from the test's fixtures, and `process` to what kills processes."""
    for fixture in getattr(item, "fixturenames", ()):
        if mark := MARK_OF_FIXTURE.get(fixture):
            item.add_marker(mark)
    if call := getattr(item, "callspec", None):
        for name in URLS:
            if name in call.params:
                item.add_marker(MARK_OF_DATABASE[call.params[name]])
    if item.get_closest_marker("crash"):
        item.add_marker("process")


@contextmanager
def no_unmarked_process(item: pytest.Item) -> Iterator[None]:
    """Inside, a test that is not marked with it starts no process. Raises UnmarkedProcessError where it tries to."""
    if any(map(item.get_closest_marker, MAY_START_PROCESSES)):
        yield
        return

    def refuse(*_: object, **__: object) -> None:
        raise UnmarkedProcessError(f"{item.nodeid} starts a process: mark it with pytest.mark.process")

    with mock.patch.object(subprocess.Popen, "__init__", refuse), mock.patch.object(os, "fork", refuse):
        yield
