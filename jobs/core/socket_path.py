"""Says where the Unix socket of a server of this installation is: in the server's directory, or in a short one if need be."""

import contextlib
import os
import socket
import stat
import tempfile
from pathlib import Path

from models.files import open_private

# sun_path holds 108 bytes on Linux and 104 elsewhere, the closing zero included.
_MAX_BYTES = 100
_RECORD = "socket-directory"


def private_socket_path(directory: Path, name: str) -> Path:
    """Return the path of the socket `name` of a directory that only this user may enter: the same at every call.

    Where the path is too long or the file system has no sockets, it lies in a private directory of its own that is recorded in
    `directory`. Raises OSError if `directory` cannot be used.
    """
    path = directory.resolve() / name
    record = directory / _RECORD
    if len(os.fsencode(path)) <= _MAX_BYTES and not record.exists() and _can_hold_sockets(path):
        return path
    with contextlib.suppress(OSError):
        recorded = Path(record.read_text().strip())
        if _is_private(recorded):
            return recorded / name
    short = Path(tempfile.mkdtemp(prefix="hark-"))  # made with mode 700
    with open_private(record, "wb") as file:
        file.write(f"{short}\n".encode())
    return short / name


def _can_hold_sockets(path: Path) -> bool:
    """Some shared and network file systems cannot. A socket that is there already says that this one can."""
    if path.exists():
        return path.is_socket()
    probe = path.with_name(f"{os.getpid()}.s")
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(probe))
    except OSError:
        return False
    finally:
        probe.unlink(missing_ok=True)
    return True


def _is_private(directory: Path) -> bool:
    """Whether this user owns it and others cannot enter: anybody may have created a directory of that name since."""
    status = directory.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o077
