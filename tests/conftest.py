"""Fixtures for everybody: a real Redis, real databases, and no way out of this machine."""

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from redis import Redis
from sqlalchemy.orm import Session

from jobs.core.redis_server import RedisUnavailableError
from jobs.core.runtime import Runtime, use_runtime
from jobs.core.shutdown import SHUTDOWN
from models.config import Settings
from models.crypto import new_encryption_key
from models.db.engine import Database
from tests.support import needs, proof, services
from tests.support.cli_app import Shell, open_shell
from tests.support.compiled_routes import routes_compiled_once
from tests.support.panel_app import Panel, panel_of
from tests.support.postgres_server import PostgresMissingError
from tests.support.redis_server import RedisServer
from tests.support.sending_rig import Sending, sending_to_a_sandbox
from tests.support.services import PostgresTemplate, SqliteTemplate
from tests.support.shop_rig import Shop, open_shop

services.forget_inherited_settings()  # before any module of the product is imported
settings.register_profile("hark", deadline=None)  # a busy machine is no failure
settings.register_profile("prove", deadline=None, print_blob=True)
KINDS = ("sqlite", "postgresql")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("hark")
    group.addoption("--prove", action="store_true", help="proofs go on for many rounds instead of a few")
    group.addoption(
        "--seed", type=int, help="where proofs take their random numbers from; a run with --prove prints it"
    )


def pytest_configure(config: pytest.Config) -> None:
    worker: dict[str, Any] = getattr(config, "workerinput", {})
    proof.begin(prove=config.getoption("prove"), seed=worker.get("seed", config.getoption("seed")))
    settings.load_profile("prove" if proof.is_asked_for() else "hark")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """A worker of pytest-xdist proves with the seed of the whole run."""
    node.workerinput["seed"] = proof.seed()


def pytest_sessionstart(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and proof.is_asked_for() and not hasattr(session.config, "workerinput"):
        reporter.write_line(f"proofs of many rounds, with --seed {proof.seed()}")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The table of proofs: what was tried, on which database, how often, and what held."""
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, [])]
    lines = [line for report in reports for line in report.capstdout.splitlines() if line.startswith(proof.ROW)]
    if lines:
        terminalreporter.write_line("| tried | on | how often | |")
        terminalreporter.write_line("|---|---|---|---|")
        for line in sorted(lines):
            terminalreporter.write_line(line)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not proof.is_asked_for():
        items[:] = [item for item in items if item.get_closest_marker("proof") is None]
    for item in items:
        needs.mark_needs(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    with needs.no_unmarked_process(item):
        yield


@pytest.fixture(scope="session", autouse=True)
def _nobody_outside_is_reached() -> Iterator[None]:
    with services.only_this_machine():
        yield


@pytest.fixture(scope="session", autouse=True)
def _routes_are_compiled_once() -> Iterator[None]:
    with routes_compiled_once():
        yield


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis of this test process's own."""
    with services.temporary_directory() as directory:
        server = RedisServer(directory, appendfsync="everysec")
        try:
            server.start()
        except RedisUnavailableError as error:
            pytest.skip(str(error))
        yield server.url
        server.stop()


@pytest.fixture
def redis(redis_url: str) -> Iterator["Redis"]:
    """A client of an empty Redis."""
    with Redis.from_url(redis_url) as client:
        client.flushall()
        yield client


@pytest.fixture(scope="session")
def sqlite_template() -> Iterator[SqliteTemplate]:
    with services.temporary_directory() as directory:
        yield SqliteTemplate(directory / "template.db")


@pytest.fixture(scope="session")
def postgres_template() -> Iterator[PostgresTemplate]:
    try:
        with services.postgres_server_url() as url:
            template = PostgresTemplate(url)
            yield template
            template.drop()
    except PostgresMissingError as error:
        pytest.skip(str(error))


@pytest.fixture
def sqlite_url(sqlite_template: SqliteTemplate, tmp_path: Path) -> str:
    """A migrated SQLite database of this test's own."""
    return sqlite_template.copy_to(tmp_path / "hark.db")


@pytest.fixture
def postgres_url(postgres_template: PostgresTemplate) -> Iterator[str]:
    """A migrated PostgreSQL database of this test's own."""
    url = postgres_template.clone()
    yield url
    postgres_template.drop(url)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test of a database runs once on each kind; on SQLite alone where it is marked so. A race is run again and again."""
    if proof.is_asked_for() and metafunc.definition.get_closest_marker("race"):
        metafunc.fixturenames.append("_turn_of_a_race")
        metafunc.parametrize("_turn_of_a_race", range(proof.RACES), indirect=True)
    if "database_url" in metafunc.fixturenames:
        is_one = metafunc.definition.get_closest_marker("sqlite_only") or (
            metafunc.definition.get_closest_marker("sqlite_unless_proved") and not proof.is_asked_for()
        )
        kinds = KINDS[:1] if is_one else KINDS
        metafunc.parametrize("database_url", kinds, indirect=True)


@pytest.fixture
def _turn_of_a_race(request: pytest.FixtureRequest) -> int:
    turn: int = request.param
    return turn


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated database of this test's own."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture
def database(database_url: str, request: pytest.FixtureRequest) -> Iterator[Database]:
    """It, opened; for a business in the time zone that the test or its module is marked with."""
    marker = request.node.get_closest_marker("time_zone")
    found = Database(database_url, time_zone=marker.args[0]) if marker else Database(database_url)
    yield found
    found.dispose()


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """A session that writes to it; committed at the end."""
    with database.write() as found:
        yield found


@pytest.fixture
def rt(database_url: str, redis: Redis, redis_url: str, tmp_path: Path) -> Iterator[Runtime]:
    """An installation as a job has it, for a test that asks nothing of Meta."""
    made = Runtime(Settings(database_url, redis_url, tmp_path, encryption_keys=(new_encryption_key(),), secret_key="x"))
    with use_runtime(made):
        yield made
    made.close()
    SHUTDOWN.clear()


@pytest.fixture
def bare_rt(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    """An installation with a database and nothing else."""
    made = Runtime(Settings(database_url, None, tmp_path, encryption_keys=(new_encryption_key(),)))
    yield made
    made.close()


@pytest.fixture
def shell(tmp_path: Path, database_url: str, redis: Redis, redis_url: str) -> Iterator[Shell]:
    """The command line of an installation with a simulated Meta, and nobody in it yet."""
    with open_shell(tmp_path, database_url, redis_url) as opened:
        yield opened
    SHUTDOWN.clear()


@pytest.fixture
def number_added(shell: Shell) -> None:
    """The installation of this test has a number and its templates."""
    shell.add_number()


@pytest.fixture
def number_and_people_added(shell: Shell, number_added: None) -> None:
    """The installation of this test has a number, and contacts to send to."""
    shell.add_people()


@pytest.fixture
def panel(shell: Shell) -> Iterator[Panel]:
    """The panel of that installation, with a user of every role."""
    with panel_of(shell) as opened:
        yield opened


@pytest.fixture
def sending(
    request: pytest.FixtureRequest, database_url: str, redis: Redis, redis_url: str, tmp_path: Path
) -> Iterator[Sending]:
    """A number at the sandbox, whose campaigns this process sends; the sandbox is set as the mark `sandbox` says."""
    marker = request.node.get_closest_marker("sandbox")
    with sending_to_a_sandbox(database_url, redis_url, tmp_path, **(marker.kwargs if marker else {})) as opened:
        opened.prepare()
        yield opened


@pytest.fixture
def shop(database_url: str, redis: Redis, redis_url: str, tmp_path: Path) -> Iterator[Shop]:
    """A shop of the installation in Spain that posts to it."""
    with open_shop(database_url, redis_url, tmp_path, default_country="ES") as opened:
        yield opened


@pytest.fixture(params=("sqlite", "postgresql"))
def unmigrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'hark.db'}"
        return
    template: PostgresTemplate = request.getfixturevalue("postgres_template")
    url = template.bare()
    yield url
    template.drop(url)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if services.everything_is_required() and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, where nothing may be: {item.nodeid}: {_reason(report)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if services.everything_is_required() and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped, where nothing may be: {collector.nodeid}: {_reason(report)}"
    return report


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
