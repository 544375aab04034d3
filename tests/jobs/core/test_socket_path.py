"""Where the Unix socket of a server is."""

import os
import socket
import stat
from pathlib import Path

import pytest

from jobs.core import socket_path
from jobs.core.socket_path import private_socket_path
from tests.support.services import temporary_directory


def test_it_is_in_the_directory_itself_whether_the_server_runs_or_not() -> None:
    with temporary_directory() as directory:
        path = private_socket_path(directory, "a.sock")
        assert path == directory.resolve() / "a.sock"
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
            assert private_socket_path(directory, "a.sock") == path
        assert sorted(directory.iterdir()) == [path]


def test_a_path_too_long_gives_a_private_directory_that_is_remembered(tmp_path: Path) -> None:
    directory = tmp_path / ("long" * 25)
    directory.mkdir()
    path = private_socket_path(directory, "a.sock")
    assert private_socket_path(directory, "a.sock") == path
    assert len(os.fsencode(path)) <= 100
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.parent.chmod(0o755)
    other = private_socket_path(directory, "a.sock")
    assert other.parent != path.parent
    for made in (path, other):
        made.parent.rmdir()


def test_a_file_system_without_sockets_gives_another_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_path, "_can_hold_sockets", lambda _path: False)
    with temporary_directory() as directory:
        path = private_socket_path(directory, "a.sock")
        monkeypatch.undo()
        assert path.parent != directory.resolve()
        assert private_socket_path(directory, "a.sock") == path, "it stays where it is"
        path.parent.rmdir()
