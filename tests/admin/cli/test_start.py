"""How little a command imports: what is counted are modules, since time depends on the machine."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from admin.cli import COMMANDS
from admin.cli.lazy import LazyCommand
from models.db.migrate import upgrade_schema
from tests.support.paths import ROOT

RUN = """
import atexit, json, sys
from pathlib import Path
before, report = set(sys.modules), Path(sys.argv.pop(1))
atexit.register(lambda: report.write_text(json.dumps(sorted(set(sys.modules) - before))))
from flask.cli import main
main()
"""
NO_COMMAND_NEEDS = {"aiohttp", "argon2", "flask_admin", "openpyxl", "prometheus_client", "rich", "wtforms"}
"""For the panel, for sending, for spreadsheets, for a terminal's bar."""
ONLY_TO_REACH_SOMEBODY = {"httpx", "redis", "rq"}


def imported_by(directory: Path, *arguments: str) -> list[str]:
    """The modules that `flask …` imports until it ends with exit status 0."""
    env = {
        "PATH": os.environ["PATH"],
        "HARK_VAR_DIR": str(directory),
        "HARK_ENV_FILE": os.devnull,
        "FLASK_SKIP_DOTENV": "1",
    }
    report = directory / "modules.json"
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(report), *arguments],
        env=env,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    modules: list[str] = json.loads(report.read_text())
    assert "admin.cli" in modules
    return modules


def packages(modules: list[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def lazy_commands(commands: tuple[click.Command, ...]) -> Iterator[LazyCommand]:
    """Every stand-in of these commands and of the groups among them."""
    for command in commands:
        if isinstance(command, LazyCommand):
            yield command
        loaded = command.load() if isinstance(command, LazyCommand) else command
        if isinstance(loaded, click.Group):
            yield from lazy_commands(tuple(loaded.commands.values()))


STAND_INS = tuple(lazy_commands(COMMANDS))


@pytest.fixture
def var_directory(tmp_path: Path) -> Path:
    """`var/` with a database that has its tables."""
    upgrade_schema(f"sqlite:///{tmp_path / 'hark.db'}")
    return tmp_path


@pytest.mark.process
def test_the_help_imports_no_command_and_no_database(tmp_path: Path) -> None:
    modules = imported_by(tmp_path, "--help")
    assert [name for name in modules if name.partition(".")[0] in {"models", "bot"}] == []
    assert packages(modules) & {"sqlalchemy", "cryptography", "phonenumbers", "alembic", "pydantic", "yaml"} == set()
    assert packages(modules) & (NO_COMMAND_NEEDS | ONLY_TO_REACH_SOMEBODY) == set()
    assert len(modules) <= 300


@pytest.mark.process
@pytest.mark.parametrize(
    "arguments",
    [
        "campaigns list",
        "settings show",
        "db check",
        "contacts --help",
        "attributes list",
        "numbers list",
        "dead-letters list",
        "budget show",
        "cases --help",
    ],
)
def test_a_plain_command_imports_what_it_needs(var_directory: Path, arguments: str) -> None:
    modules = imported_by(var_directory, *arguments.split())
    assert packages(modules) & (NO_COMMAND_NEEDS | ONLY_TO_REACH_SOMEBODY) == set()
    assert [name for name in modules if name.startswith(("admin.panel", "admin.server", "bot.webhooks"))] == []
    assert len(modules) <= 900


@pytest.mark.parametrize("stand_in", STAND_INS, ids=lambda command: command.target)
def test_a_stand_in_says_what_its_command_says(stand_in: LazyCommand) -> None:
    command = stand_in.load()
    assert (stand_in.name, stand_in.help, stand_in.hidden) == (command.name, command.help, command.hidden)
    assert stand_in.get_short_help_str() == command.get_short_help_str()
