"""What Hark writes belongs to its user alone."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from models.files import make_private
from tests.support.paths import ROOT
from tests.support.running_hark import Installation

PEOPLE = "phone,name,consent,consent_source\n+447900100001,Ann,subscribed,web\n"


def open_to_others(directory: Path) -> list[str]:
    """Every file, folder and socket that somebody else may read, write or enter."""
    paths = [directory, *directory.rglob("*")]
    return [
        f"{path.relative_to(directory)} {stat.S_IMODE(path.lstat().st_mode):o}"
        for path in paths
        if not path.is_symlink() and path.lstat().st_mode & 0o077
    ]


@pytest.mark.process
def test_nobody_else_can_read_anything_of_a_running_installation(tmp_path: Path) -> None:
    before = os.umask(0o022)
    hark = Installation(tmp_path, f"sqlite:///{tmp_path / 'var' / 'hark.db'}")
    for name in ("DATABASE_URL", "ENCRYPTION_KEY", "SECRET_KEY"):
        del hark.environment[name]
    try:
        (hark.var_dir / "left").write_text("by an earlier version")
        hark.up()
        people = tmp_path / "people.csv"
        people.write_text(PEOPLE)
        for arguments in (
            ["contacts", "import", str(people)],
            ["backup", str(hark.var_dir / "backup.hark"), "--keys", str(hark.var_dir / "keys.txt")],
        ):
            command = [sys.executable, "-m", "flask", *arguments]
            subprocess.run(command, cwd=ROOT, env=hark.environment, check=True, capture_output=True, timeout=120)
        names = {path.name for path in hark.var_dir.rglob("*")}
        assert {
            "hark.db",
            "hark.db-wal",
            "encryption_key",
            "secret_key",
            "redis.sock",
            "backup.hark",
            "keys.txt",
        } <= names
        assert open_to_others(hark.var_dir) == []
        hark.stop()
        assert open_to_others(hark.var_dir) == []
    finally:
        hark.close()
        os.umask(before)


def test_what_an_earlier_version_left_open_is_closed_and_links_lead_nowhere(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("of somebody else")
    outside.chmod(0o644)
    var = tmp_path / "var"
    (var / "media").mkdir(parents=True)
    var.chmod(0o755)
    (var / "media" / "a.jpg").write_text("x")
    (var / "link").symlink_to(outside)
    make_private(var)
    assert open_to_others(var) == []
    assert stat.S_IMODE(outside.stat().st_mode) == 0o644
    assert stat.S_IMODE((var / "media").stat().st_mode) == 0o700
