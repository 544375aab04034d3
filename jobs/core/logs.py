"""How the processes of Hark write their logs: one line per event, to standard error, without customers in it."""

import logging
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# Each of these logs addresses or payloads at INFO.
QUIET = ("httpx", "httpcore", "rq.worker", "rq.job", "aiohttp.access", "alembic")


def configure_logs(level: int = logging.INFO) -> None:
    """To be called once, by a process's main function."""
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s", force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def described(error: BaseException) -> str:
    """An error as its class and the line of ours that it came through: its text may hold a message or a phone."""
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_ours(frame.filename)]
    where = f" at {Path(ours[-1].filename).relative_to(ROOT)}:{ours[-1].lineno}" if ours else ""
    return f"{type(error).__name__}{where}"


def _is_ours(file_name: str) -> bool:
    path = Path(file_name)
    return path.is_relative_to(ROOT) and ".venv" not in path.parts
