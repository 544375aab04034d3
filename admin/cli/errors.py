"""Explains an unexpected error to the user of a command. Imported only after a failure: it imports several libraries."""

import traceback

from flask import current_app
from redis.exceptions import RedisError

from jobs.core.logs import described
from jobs.core.runtime import Runtime
from models.db.out_of_range import is_out_of_range
from models.files import make_private_directory, open_private


def explain_error(error: Exception) -> str:
    """Return one line about an error that is no OperatorError: what cannot be reached or read, or that it is a bug."""
    if isinstance(error, RedisError):
        return f"Redis cannot be reached ({type(error).__name__}): is flask up running, or REDIS_URL right?"
    if is_out_of_range(error):
        return "there is no row of that number: it is larger than any that Hark gives"
    return f"this should not have happened: {described(error)}{_write_down(error)}"


def _write_down(error: Exception) -> str:
    """Append the traceback to a log that only the owner of the process can read; return a hint with its path, or ""."""
    if "hark" not in current_app.extensions:
        return ""
    rt: Runtime = current_app.extensions["hark"]
    try:
        path = rt.settings.var_dir / "log" / "errors.log"
        make_private_directory(path.parent)
        with open_private(path, "ab") as file:
            file.write((_without_texts(error) + "\n").encode("utf-8", "backslashreplace"))
    except OSError:
        return ""
    return f"; more in {path}"


def _without_texts(error: BaseException | None) -> str:
    """Where the error and those that led to it were raised, and their classes: their texts may hold a customer's words."""
    parts: list[str] = []
    while error is not None:
        parts.insert(0, "".join(traceback.format_tb(error.__traceback__)) + f"{type(error).__name__}\n")
        error = error.__cause__ or error.__context__
    return "\n".join(parts)
