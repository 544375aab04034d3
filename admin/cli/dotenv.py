"""Undoes that Flask reads `.env` into the environment. models.config reads it instead: another file may be named there, and
the real environment and `NAME_FILE` take precedence over any file."""

import os
from pathlib import Path

from dotenv import dotenv_values, find_dotenv

_INITIAL_ENVIRONMENT = Path("/proc/self/environ")


def remove_flask_dotenv() -> None:
    """Remove the variables that Flask read from `.env` and that this process was not started with.

    If the system does not show the environment that a process was started with, nothing is removed.
    """
    try:
        pairs = _INITIAL_ENVIRONMENT.read_bytes().split(b"\0")
    except OSError:
        return
    initial_names = {pair.partition(b"=")[0].decode(errors="replace") for pair in pairs}
    for name in (".env", ".flaskenv"):
        path = find_dotenv(name, usecwd=True)
        for key, value in dotenv_values(path).items() if path else ():
            if key not in initial_names and not key.startswith("FLASK_") and os.environ.get(key) == value:
                del os.environ[key]
