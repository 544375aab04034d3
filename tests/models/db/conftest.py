"""Databases that no migration has touched."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.services import PostgresTemplate


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
