"""An installation without Redis that files are imported into."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.core.runtime import Runtime
from models.config import Settings
from models.crypto import new_encryption_key


@pytest.fixture
def rt(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    made = Runtime(
        Settings(database_url=database_url, redis_url=None, var_dir=tmp_path, encryption_keys=(new_encryption_key(),))
    )
    yield made
    made.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "people.csv"
