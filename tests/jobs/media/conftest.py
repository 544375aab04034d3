"""A store of each kind."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from models.bucket import Bucket
from models.config import Settings
from tests.support.s3_server import BUCKET, KEY_ID, REGION, SECRET, S3Store, s3_server


@pytest.fixture
def s3() -> Iterator[S3Store]:
    with s3_server() as opened:
        yield opened


@pytest.fixture
def plain_settings(tmp_path: Path) -> Settings:
    """Of an installation that keeps media in files."""
    return Settings("sqlite:///unused.db", None, tmp_path / "var")


@pytest.fixture
def bucket_settings(plain_settings: Settings, s3: S3Store) -> Settings:
    """Of an installation that keeps media in a bucket."""
    return replace(plain_settings, media_bucket=Bucket(BUCKET, "hark/one", REGION, s3.url, KEY_ID, SECRET))


@pytest.fixture(params=["files", "bucket"])
def store_settings(request: pytest.FixtureRequest) -> Settings:
    """Of an installation, once with each store."""
    settings: Settings = request.getfixturevalue("plain_settings" if request.param == "files" else "bucket_settings")
    return settings
