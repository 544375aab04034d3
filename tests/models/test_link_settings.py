"""The base of tracked links."""

from pathlib import Path

import pytest

from models.config import SettingsError, load_settings


@pytest.mark.parametrize(
    ("environment", "base"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"PUBLIC_URL": "https://hark.example.com/"}, "https://hark.example.com"),
        ({"PUBLIC_URL": "https://hark.example.com", "LINK_URL": "https://go.example.com/"}, "https://go.example.com"),
    ],
)
def test_it_is_link_url_or_public_url(tmp_path: Path, environment: dict[str, str], base: str) -> None:
    assert load_settings(environment | {"HARK_ENV_FILE": "/dev/null"}, tmp_path).link_base == base


def test_what_is_no_address_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"LINK_URL=go\.example\.com"):
        load_settings({"LINK_URL": "go.example.com", "HARK_ENV_FILE": "/dev/null"}, tmp_path)
