"""The settings of where media lie."""

from pathlib import Path

import pytest

from models.bucket import Bucket
from models.config import SettingsError, load_settings

KEYS = {"MEDIA_S3_ACCESS_KEY_ID": "AKID", "MEDIA_S3_SECRET_ACCESS_KEY": "s3cret"}


def read(directory: Path, **variables: str) -> Bucket | None:
    return load_settings({"HARK_ENV_FILE": "/dev/null", **variables}, directory).media_bucket


def test_without_them_media_are_files(tmp_path: Path) -> None:
    assert read(tmp_path) is None
    assert read(tmp_path, MEDIA_STORE="files", **KEYS) is None


def test_a_bucket_has_a_folder_an_endpoint_and_keys_from_files(tmp_path: Path) -> None:
    assert read(tmp_path, MEDIA_STORE="s3://acme-hark") == Bucket("acme-hark", "", "us-east-1")
    (tmp_path / "secret").write_text("s3cret\n")
    found = read(
        tmp_path,
        MEDIA_STORE="s3://acme-hark/media/shop/",
        MEDIA_S3_REGION="eu-west-1",
        MEDIA_S3_ENDPOINT="https://minio.example.com/",
        MEDIA_S3_ACCESS_KEY_ID="AKID",
        MEDIA_S3_SECRET_ACCESS_KEY_FILE=str(tmp_path / "secret"),
    )
    assert found == Bucket("acme-hark", "media/shop", "eu-west-1", "https://minio.example.com", "AKID", "s3cret")
    assert "s3cret" not in repr(found)


@pytest.mark.parametrize(
    "location",
    [
        "acme",
        "s3://",
        "s3://UPPER",
        "s3://acme/../other",
        "s3://acme/a//b",
        "gs://acme",
        "s3://acme?x=1",
        "/srv/media",
        "s3://a",
    ],
)
def test_a_location_that_is_none_is_refused_with_what_is_allowed(tmp_path: Path, location: str) -> None:
    with pytest.raises(SettingsError, match=r"MEDIA_STORE=.*: allowed is s3://bucket"):
        read(tmp_path, MEDIA_STORE=location)


@pytest.mark.parametrize("name", KEYS)
def test_one_key_alone_is_a_mistake(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="both are needed, or neither") as caught:
        read(tmp_path, MEDIA_STORE="s3://acme", **{name: "abc-value"})
    assert "abc-value" not in str(caught.value)


def test_http_is_for_this_machine_and_the_operators_own(tmp_path: Path) -> None:
    plain = KEYS | {"MEDIA_STORE": "s3://acme", "MEDIA_S3_ENDPOINT": "http://minio.internal:9000"}
    with pytest.raises(SettingsError, match=r"MEDIA_S3_ENDPOINT=.*allowed is https, or http on this machine"):
        read(tmp_path, **plain)
    assert read(tmp_path, **plain, OUTBOUND_ALLOW="minio.internal") is not None
    assert read(tmp_path, **(plain | {"MEDIA_S3_ENDPOINT": "http://127.0.0.1:9000"})) is not None
