"""Flask reads `.env` into the environment by itself. Our settings know better: another file may be named, and the real
environment and `NAME_FILE` go before any file (models.config)."""

import os
from pathlib import Path

from dotenv import dotenv_values, find_dotenv

_BORN_WITH = Path("/proc/self/environ")


def forget_what_flask_read() -> None:
    """Take out of the environment what came from `.env` and not from whoever started this process.

    Where the system does not tell what a process was born with, everything stays as Flask left it.
    """
    try:
        pairs = _BORN_WITH.read_bytes().split(b"\0")
    except OSError:
        return
    born_with = {pair.partition(b"=")[0].decode(errors="replace") for pair in pairs}
    for name in (".env", ".flaskenv"):
        path = find_dotenv(name, usecwd=True)
        for key, value in dotenv_values(path).items() if path else ():
            if key not in born_with and not key.startswith("FLASK_") and os.environ.get(key) == value:
                del os.environ[key]
