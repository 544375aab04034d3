"""Keeps the marks of redactions in a file of each host, and redacts again whom a database that was put back still names.

The file is read without Redis, which may not run yet: before anything of an older database is shown or sent. Its lines are keyed
hashes.
"""

import logging
from collections.abc import Set
from pathlib import Path

from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from jobs.erasure.outside import erase_outside
from models.clock import utcnow
from models.files import make_private_directory, open_private, replace_file, sync_file
from models.privacy.mentions import Mentions
from models.restore.marks import all_suppressed, newest_suppressed, newest_suppression, redact_slice, suppress_again

log = logging.getLogger("hark.restore")

FILE = "redactions"
NEWEST = 2_000
"""The newest marks of the database that are compared with the file each time."""
_written: dict[Path, tuple[int, int]] = {}
"""By file: the id of the newest mark that was there, and the file's size then: nothing is read again until one of them changes."""


def look_after_redactions(rt: Runtime) -> None:
    """For the schedule: redact again whom the marks name, if the database was put back, and add new marks to the file.

    Raises OSError if it cannot be written.
    """
    with rt.database.read() as session:
        newest_id = newest_suppression(session)
    if _written.get(_path(rt)) != (newest_id, _size(rt)):
        redact_marked(rt)
        keep_redactions(rt)


def keep_redactions(rt: Runtime) -> None:
    """After a redaction: add to the file what it lacks. Raises OSError if it cannot be written."""
    with rt.database.read() as session:
        newest_id = newest_suppression(session)
        if _written.get(_path(rt)) == (newest_id, _size(rt)):
            return
        on_disk = read_redactions(rt)
        hashes = all_suppressed(session) if on_disk is None else newest_suppressed(session, NEWEST)
    missing = sorted(hashes - (on_disk or set()))
    if on_disk is None:
        make_private_directory(rt.settings.var_dir)
        with replace_file(_path(rt)) as file:
            file.write(_text(rt, missing))
    elif missing:
        with open_private(_path(rt), "ab") as file:
            file.write(_text(rt, missing, is_head=False))
            sync_file(file)
    _written[_path(rt)] = (newest_id, _size(rt))


def finish_redaction(rt: Runtime, mentions: Mentions) -> None:
    """After the redaction is committed: keep its marks first, as the database may be lost, then wipe outside of it."""
    try:
        keep_redactions(rt)
    except OSError as error:
        log.warning(
            "the marks of a redaction could not be written (%s); the schedule tries again", type(error).__name__
        )
    erase_outside(rt, mentions)


def read_redactions(rt: Runtime) -> set[str] | None:
    """The marks of this host; None if there is no file, or it is another installation's."""
    try:
        head, *lines = _path(rt).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return None
    return {line for line in lines if len(line) == 64} if head == rt.installation else None


def redact_marked(rt: Runtime, more: Set[str] = frozenset()) -> int:
    """Redact whom the file or `more` name and this database does not know as redacted; return how many.

    Costs two small reads where nothing is missing. Raises SQLAlchemyError or OSError if the database cannot be reached.
    """
    marks = (read_redactions(rt) or set()) | more
    with rt.database.read() as session:
        missing = marks - all_suppressed(session) if marks else set()
    if not missing:
        return 0
    log.warning("the database is older than %d marks of redactions: their people are redacted again", len(missing))
    cursor: int | None = 0
    count = 0
    while cursor is not None:
        cursor, wiped = _redact_slice(rt, missing, cursor)
        for mentions in wiped:
            erase_outside(rt, mentions)
        count += len(wiped)
    with rt.database.write() as session:  # at the end: who dies before begins again
        suppress_again(session, missing, utcnow())
    return count


@retry_conflicts
def _redact_slice(rt: Runtime, missing: Set[str], after: int) -> tuple[int | None, list[Mentions]]:
    with rt.database.write() as session:
        return redact_slice(session, rt.vault, missing, after, utcnow())


def _size(rt: Runtime) -> int:
    return _path(rt).stat().st_size if _path(rt).exists() else -1


def _path(rt: Runtime) -> Path:
    """Named by the installation: a database of another one, opened for a while, leaves it alone."""
    return rt.settings.var_dir / f"{FILE}.{rt.installation}"


def _text(rt: Runtime, hashes: list[str], *, is_head: bool = True) -> bytes:
    return "".join(f"{line}\n" for line in ([rt.installation] if is_head else []) + hashes).encode()
