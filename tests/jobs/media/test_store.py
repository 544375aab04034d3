"""Both stores of contents: files of this machine, and a bucket."""

import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.media import bucket
from jobs.media.bucket import PART_BYTES
from jobs.media.move import copy_to_store
from jobs.media.store import DirectoryStore, MediaStoreError, MissingContentError, checked_key, media_store
from models.bucket import Bucket
from models.config import Settings
from models.errors import OperatorError
from tests.support.s3_server import BUCKET, REGION, S3Store, signature_problem

KEYS = [f"{place}-é {place}.png" for place in range(7)]


@pytest.fixture
def content(tmp_path: Path) -> Path:
    path = tmp_path / "content"
    path.write_bytes(b"picture")
    return path


def test_a_content_is_stored_read_listed_and_deleted(store_settings: Settings, content: Path) -> None:
    store = media_store(store_settings)
    assert list(store.keys()) == []
    for key in KEYS:
        store.put(key, content)
    assert sorted(store.keys()) == KEYS
    assert (store.has(KEYS[0]), store.has("other.png")) == (True, False)
    with store.fetch(KEYS[0]) as file:
        assert file.read() == b"picture"
        file.seek(0)
        assert file.read(3) == b"pic"
    store.delete(KEYS[0])
    store.delete(KEYS[0])
    assert not store.has(KEYS[0])
    with pytest.raises(MissingContentError):
        store.fetch(KEYS[0])


@pytest.mark.parametrize("key", ["", "../hark.db", "/etc/passwd", "a/b", "..", "a\\b", "a\0b"])
def test_a_key_leads_nowhere_else(store_settings: Settings, content: Path, key: str) -> None:
    store = media_store(store_settings)
    for call in (
        lambda: store.put(key, content),
        lambda: store.fetch(key),
        lambda: store.delete(key),
        lambda: store.has(key),
    ):
        with pytest.raises((ValueError, MediaStoreError)):
            call()
    with pytest.raises(ValueError, match="is no key"):
        checked_key(key)


def test_files_are_their_owners_alone(plain_settings: Settings, content: Path) -> None:
    media_store(plain_settings).put("a.png", content)
    directory = plain_settings.var_dir / "media"
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE((directory / "a.png").stat().st_mode) == 0o600


def test_what_a_process_left_that_died_is_no_content_and_goes_with_it(plain_settings: Settings, content: Path) -> None:
    store = media_store(plain_settings)
    store.put("a.png", content)
    aside = plain_settings.var_dir / "media" / ".a.png.12345"
    aside.write_bytes(b"pic")
    assert list(store.keys()) == ["a.png"]
    store.delete("a.png")
    assert not aside.exists()


def test_a_directory_that_cannot_be_written_is_said(plain_settings: Settings, content: Path) -> None:
    plain_settings.var_dir.mkdir()
    (plain_settings.var_dir / "media").write_text("a file")
    with pytest.raises(MediaStoreError, match="cannot be used"):
        media_store(plain_settings).put("a.png", content)


def test_a_large_content_goes_to_the_bucket_in_parts(bucket_settings: Settings, s3: S3Store, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(bytes(range(256)) * (PART_BYTES * 2 // 256) + b"end")
    store = media_store(bucket_settings)
    store.put("large.pdf", large)
    assert s3.objects == {"hark/one/large.pdf": large.read_bytes()}
    assert sum("partNumber" in path for _, path in s3.requests) == 3
    with store.fetch("large.pdf") as file:
        assert file.read() == large.read_bytes()
    assert list((bucket_settings.var_dir / "incoming").iterdir()) == []  # it has no name
    assert s3.refusals == []


def test_another_folder_of_the_bucket_is_left_alone(bucket_settings: Settings, s3: S3Store, content: Path) -> None:
    s3.objects |= {"hark/two/a.png": b"theirs", "hark/one/deeper/b.png": b"theirs"}
    store = media_store(bucket_settings)
    store.put("a.png", content)
    assert list(store.keys()) == ["a.png"]
    store.delete("a.png")
    assert s3.objects == {"hark/two/a.png": b"theirs", "hark/one/deeper/b.png": b"theirs"}


def test_a_wrong_key_is_said_without_the_key(bucket_settings: Settings, s3: S3Store, content: Path) -> None:
    wrong = Bucket(BUCKET, "", REGION, s3.url, "AKIDEXAMPLE", "another-secret")
    with pytest.raises(MediaStoreError) as caught:
        media_store(replace(bucket_settings, media_bucket=wrong)).put("a.png", content)
    assert str(caught.value) == f"the bucket {BUCKET} cannot be used (it refuses the keys)"
    assert s3.refusals == ["SignatureDoesNotMatch"]
    assert "another-secret" not in repr(wrong)


def test_a_bucket_that_does_not_answer_is_said(
    bucket_settings: Settings, s3: S3Store, content: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket, "RETRIES", 0)
    s3.is_down = True
    store = media_store(bucket_settings)
    for call in (lambda: store.put("a.png", content), lambda: store.fetch("a.png"), lambda: list(store.keys())):
        with pytest.raises(MediaStoreError, match="no answer, or an error of its own"):
            call()


def test_without_the_extra_a_bucket_is_refused_in_one_line(
    bucket_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(OperatorError, match="MEDIA_STORE names a bucket: that needs the package obstore, the extra s3"):
        media_store(bucket_settings)


def test_the_files_of_this_machine_are_copied_into_the_bucket(
    plain_settings: Settings, bucket_settings: Settings, s3: S3Store, content: Path
) -> None:
    files = DirectoryStore(plain_settings.var_dir / "media")
    for key in KEYS:
        files.put(key, content)
    media_store(bucket_settings).put(KEYS[2], content)
    assert copy_to_store(bucket_settings) == (6, 1)
    assert copy_to_store(bucket_settings) == (0, 7)
    assert sorted(s3.objects) == [f"hark/one/{key}" for key in KEYS]


def test_the_server_of_these_tests_refuses_what_was_changed_after_it_was_signed() -> None:
    # The example of Amazon's own documentation is for another key, so that nothing of it is right here.
    headers = {
        "host": "examplebucket.s3.amazonaws.com", "x-amz-date": "20130524T000000Z",
        "x-amz-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20130524/eu-west-1/s3/aws4_request, "
        "SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=00",
    }  # fmt: skip
    assert signature_problem("GET", "/a", headers, b"") == "SignatureDoesNotMatch"
    assert signature_problem("GET", "/a", headers, b"x") == "the content is not what was signed"
    assert signature_problem("GET", "/a", {}, b"") == "no signature"
