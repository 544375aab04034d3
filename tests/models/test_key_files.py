"""The keys that Hark makes for itself."""

import errno
import stat
from pathlib import Path
from typing import Any

import pytest

from models import config
from models.config import SettingsError, load_settings


def load(directory: Path) -> config.Settings:
    return load_settings({"HARK_ENV_FILE": "/dev/null", "HARK_VAR_DIR": str(directory / "var")}, directory)


def no_room(*_: Any) -> Any:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_they_are_made_once_for_their_owner_alone(tmp_path: Path) -> None:
    assert load(tmp_path).secret_key == load(tmp_path).secret_key
    for path in (tmp_path / "var", tmp_path / "var" / "secret_key", tmp_path / "var" / "encryption_key"):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077


def test_a_start_on_a_full_disk_reads_them_and_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load(tmp_path)
    monkeypatch.setattr(config, "open_private", no_room)
    monkeypatch.setattr(config, "make_private_directory", no_room)
    assert load(tmp_path).encryption_keys == first.encryption_keys


def test_a_first_start_on_a_full_disk_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "open_private", no_room)
    with pytest.raises(SettingsError, match=r"can be neither read nor made \(No space left on device"):
        load(tmp_path)
    assert list((tmp_path / "var").iterdir()) == []
