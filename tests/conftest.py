"""Fixtures for everybody: a real Redis, real databases, and no way out of this machine."""

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from redis import Redis
from sqlalchemy.orm import Session

from jobs.core.redis_server import RedisServer, RedisUnavailableError
from models.db.engine import Database
from tests.support import services
from tests.support.postgres_server import PostgresMissingError
from tests.support.services import PostgresTemplate, SqliteTemplate

services.forget_inherited_settings()  # before any module of the product is imported
settings.register_profile("hark", settings(deadline=None))  # a busy machine is no failure
settings.load_profile("hark")


@pytest.fixture(scope="session", autouse=True)
def _nobody_outside_is_reached() -> Iterator[None]:
    with services.only_this_machine():
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


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated database of this test's own: the test runs once on each kind."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A migrated database of this test's own, opened."""
    found = Database(database_url)
    yield found
    found.dispose()


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """A session that writes to it; committed at the end."""
    with database.write() as found:
        yield found


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
