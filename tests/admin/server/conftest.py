"""The application on settings of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from redis import Redis

from models.config import Settings
from models.crypto import new_encryption_key
from wsgi import create_app


@pytest.fixture
def settings(tmp_path: Path, database_url: str, redis: Redis, redis_url: str) -> Settings:
    return Settings(
        database_url=database_url, redis_url=redis_url, var_dir=tmp_path, secret_key="s", encryption_keys=(new_encryption_key(),)
    )  # fmt: skip


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    app = create_app(settings)
    yield app
    app.extensions["hark"].close()
