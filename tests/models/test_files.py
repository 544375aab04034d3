"""Files that appear whole or not at all."""

import stat
from pathlib import Path

import pytest

from models.files import PUBLIC, replace_file


def test_a_file_takes_its_place_when_it_is_whole_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text("old")
    with replace_file(path) as file:
        file.write(b"new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_could_not_be_written_leaves_the_old_one_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text("old")

    def write_half() -> None:
        with replace_file(path, PUBLIC) as file:
            file.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
