"""What a user reads of the errors that few commands meet. Loaded when one of them happened: they come from everywhere."""

import traceback

from flask import current_app
from redis.exceptions import RedisError

from admin.server.supervisor import AlreadyRunningError
from bot.meta.management import GraphError
from jobs.core.logs import described
from jobs.core.redis_server import RedisUnavailableError
from jobs.core.runtime import Runtime
from jobs.imports.reader import BadFileError
from models.campaigns.stats import CampaignNotFoundError
from models.contacts.field_values import FieldValueError
from models.crypto import WrongKeyError

_EXPECTED = (
    CampaignNotFoundError,
    WrongKeyError,
    GraphError,
    AlreadyRunningError,
    RedisUnavailableError,
    BadFileError,
    FieldValueError,
)


def explain_error(error: Exception) -> str:
    """What a user reads of an error that `admin.cli.shared.sentence` does not know by itself."""
    if isinstance(error, _EXPECTED):
        return str(error)
    if isinstance(error, RedisError):
        return f"Redis cannot be reached ({type(error).__name__}): is flask up running, or REDIS_URL right?"
    return f"this should not have happened: {described(error)}{_write_down(error)}"


def _write_down(error: Exception) -> str:
    """The traceback goes where only the operator of this machine reads it."""
    if "hark" not in current_app.extensions:
        return ""
    rt: Runtime = current_app.extensions["hark"]
    try:
        path = rt.settings.var_dir / "log" / "errors.log"
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write("".join(traceback.format_exception(error)) + "\n")
        path.chmod(0o600)
    except OSError:
        return ""
    return f"; more in {path}"
