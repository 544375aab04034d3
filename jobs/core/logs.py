"""Configures logging for every process: one line per event, to standard error, without personal data."""

import logging
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# Each of these logs addresses or payloads at INFO.
QUIET = ("httpx", "httpcore", "rq.worker", "rq.job", "aiohttp.access", "alembic")


def configure_logs(level: int = logging.INFO) -> None:
    """Set up the root logger. A process's main function calls it once."""
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s", force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def described(error: BaseException) -> str:
    """Return the class of an error and the last line of Hark's code in its traceback. Its text may hold a message or a phone."""
    own_frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_ours(frame.filename)]
    where = f" at {Path(own_frames[-1].filename).relative_to(ROOT)}:{own_frames[-1].lineno}" if own_frames else ""
    return f"{type(error).__name__}{where}"


def _is_ours(file_name: str) -> bool:
    path = Path(file_name)
    return path.is_relative_to(ROOT) and ".venv" not in path.parts
