"""A backup takes media along wherever they lie, and puts them where they belong."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from admin.backup.backup import make_backup
from admin.backup.restore import restore_backup
from jobs.core.runtime import Runtime
from jobs.media.library import add_media
from jobs.media.store import MediaStoreError, media_store
from models.bucket import Bucket
from models.clock import utcnow
from models.config import Settings
from tests.support.media import JPEG, PNG
from tests.support.s3_server import BUCKET, KEY_ID, REGION, SECRET, S3Store, s3_server

pytestmark = pytest.mark.sqlite_only


@pytest.fixture
def object_store() -> Iterator[S3Store]:
    with s3_server() as opened:
        yield opened


def in_bucket(settings: Settings, store: S3Store) -> Settings:
    return replace(settings, media_bucket=Bucket(BUCKET, "media", REGION, store.url, KEY_ID, SECRET))


def test_media_go_from_files_into_a_bucket_and_back_by_a_backup(rt: Runtime, object_store: S3Store) -> None:
    now, path = utcnow(), rt.settings.var_dir / "hark.backup"
    keys = [
        add_media(rt, name, [content], "cli", now).storage_key for name, content in (("a.png", PNG), ("b.jpg", JPEG))
    ]
    assert make_backup(rt, path, None, now).media_files == 2
    rt.close()
    settings = in_bucket(rt.settings, object_store)
    assert restore_backup(settings, path, None, now, is_replacing=True).media_files == 2
    assert object_store.objects == {f"media/{keys[0]}": PNG, f"media/{keys[1]}": JPEG}

    moved = Runtime(settings)
    assert make_backup(moved, path, None, now).media_files == 2
    moved.close()
    for key in keys:
        media_store(rt.settings).delete(key)
    assert restore_backup(rt.settings, path, None, now, is_replacing=True).media_files == 2
    with media_store(rt.settings).fetch(keys[0]) as file:
        assert file.read() == PNG
    assert object_store.refusals == []


def test_a_bucket_that_does_not_answer_stops_a_restore_before_it_begins(rt: Runtime, object_store: S3Store) -> None:
    now, path = utcnow(), rt.settings.var_dir / "hark.backup"
    make_backup(rt, path, None, now)
    rt.close()
    database = Path(str(rt.database.url.database))
    before = database.read_bytes()
    wrong = replace(rt.settings, media_bucket=Bucket(BUCKET, "", REGION, object_store.url, KEY_ID, "another"))
    with pytest.raises(MediaStoreError, match="it refuses the keys"):
        restore_backup(wrong, path, None, now, is_replacing=True)
    assert database.read_bytes() == before
