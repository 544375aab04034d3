"""Working on a file of jobs.imports.uploads: what it would do, then doing it, in turns of a worker.

A turn takes about a minute, so that launches and other chores go on meanwhile, and the next goes on where it ended. The schedule
wakes what is under way and nobody works on; rows that a turn took before it died come out as unchanged.
"""

import time
from contextlib import suppress
from datetime import datetime
from typing import Any

import orjson
from redis.exceptions import RedisError

from jobs.core.runtime import Runtime, runtime
from jobs.core.shutdown import SHUTDOWN
from jobs.core.wake_ups import RUN_IMPORT
from jobs.imports.contacts import import_contacts
from jobs.imports.lists import import_list
from jobs.imports.orders import import_orders
from jobs.imports.result import ImportResult, Progress, write_rejects
from jobs.imports.uploads import (
    REFUSALS,
    UNDER_WAY,
    ImportFile,
    UploadKind,
    UploadStage,
    delete_expired_uploads,
    is_locked,
    list_uploads,
    load_upload,
    locked,
    rejects_path,
    save_upload,
    upload_path,
    uploads_directory,
)
from models.clock import utcnow
from models.contacts.tagging import list_id, read_list_name
from models.errors import OperatorError
from models.files import open_private
from models.tables.audit import AuditAction, record_audit

TURN_SECONDS = 60.0
TELL_SECONDS = 0.5
BEGIN_WAIT_SECONDS = 1.0
MAX_TRIES = 5
"""Turns of a file that were begun one after the other and not ended."""


def start_dry_run(rt: Runtime, token: str, columns: dict[str, str], source: str, list_name: str) -> None:
    """Have a worker say what it would do with the columns so. Refused where it is being worked on, or gone."""
    given = {"columns": columns, "source": source, "list_name": list_name, "list_id": 0}
    _begin(rt, token, {UploadStage.MAPPING, UploadStage.LOOKED, UploadStage.FAILED}, UploadStage.LOOKING, given)


def start_import(rt: Runtime, token: str, actor: str) -> None:
    """Have a worker do it. Refused unless it was looked at; a second click is refused too."""
    _begin(rt, token, {UploadStage.LOOKED}, UploadStage.IMPORTING, {"actor": actor})


def run_import(token: str) -> None:
    """The job: one turn, and a wake-up for the next where it is not over."""
    rt = runtime()
    RUN_IMPORT.started(rt.redis, token)
    with locked(rt, token) as is_mine:
        found = load_upload(rt, token) if is_mine else None
        if found is None or found.stage not in UNDER_WAY:
            return
        is_over = _turn(rt, found)
    if not is_over and not SHUTDOWN.is_set():
        _wake(rt, token)


def wake_imports(rt: Runtime, now: datetime) -> int:  # noqa: ARG001 - the schedule's form
    """Wake what is under way and stands still: lost wake-ups, dead workers. How many were woken."""
    delete_expired_uploads(rt)
    under_way = [found.token for found in list_uploads(rt) if found.stage in UNDER_WAY]
    return sum(_wake(rt, token) for token in under_way if not is_locked(rt, token))


def _begin(rt: Runtime, token: str, before: set[UploadStage], after: UploadStage, given: dict[str, Any]) -> None:
    with locked(rt, token, BEGIN_WAIT_SECONDS) as is_mine:
        found = load_upload(rt, token)
        if found is None:
            raise OperatorError("The file is not here any more. Choose it again.")
        if not is_mine or found.stage not in before:
            raise OperatorError("This file is being worked on, or its import is over.")
        for name, value in given.items():
            setattr(found, name, value)
        found.begin(after)
        for path in (rejects_path(rt, token), uploads_directory(rt, token) / REFUSALS):
            path.unlink(missing_ok=True)
        save_upload(rt, found)
    with suppress(RedisError):  # the schedule wakes it
        _wake(rt, token)


def _turn(rt: Runtime, found: ImportFile) -> bool:
    """True where the stage is over."""
    found.tries += 1
    if found.tries > MAX_TRIES:
        found.stage, found.problem = UploadStage.FAILED, f"It broke off {MAX_TRIES} times; the log says why."
        save_upload(rt, found)
        return True
    save_upload(rt, found)
    ends = time.monotonic() + TURN_SECONDS
    try:
        result = _work(rt, found, ends)
    except OperatorError as error:
        found.stage, found.problem = UploadStage.FAILED, str(error)
        save_upload(rt, found)
        return True
    with open_private(uploads_directory(rt, found.token) / REFUSALS, "ab") as file:
        file.writelines(orjson.dumps(refusal) + b"\n" for refusal in result.refused)
    found.add(result)
    if found.done >= found.total:
        _finish(rt, found)
    save_upload(rt, found)
    if found.stage is UploadStage.DONE:
        upload_path(rt, found).unlink(missing_ok=True)
    return found.stage not in UNDER_WAY


def _work(rt: Runtime, found: ImportFile, ends: float) -> ImportResult:
    path = upload_path(rt, found)
    how: dict[str, Any] = {
        "dry_run": found.stage is UploadStage.LOOKING, "progress": _teller(rt, found), "columns": found.columns, "skip": found.done,
        "is_over": lambda: SHUTDOWN.is_set() or time.monotonic() >= ends,
    }  # fmt: skip
    if found.kind is UploadKind.ORDERS:
        return import_orders(rt, path, **how)
    if found.kind is UploadKind.LIST:
        return import_list(rt, path, _list_of(rt, found), **how)
    return import_contacts(rt, path, actor=found.actor, source=found.source, **how)


def _list_of(rt: Runtime, found: ImportFile) -> int | str:
    """The same list in every turn, also where it gets another name meanwhile."""
    if found.stage is UploadStage.LOOKING:
        return read_list_name(found.list_name)
    if not found.list_id:
        with rt.database.write() as session:
            found.list_id = list_id(session, found.list_name, utcnow())
        save_upload(rt, found)
    return found.list_id


def _teller(rt: Runtime, found: ImportFile) -> Progress:
    told = 0.0

    def tell(done: int, total: int) -> None:
        nonlocal told
        if time.monotonic() - told >= TELL_SECONDS:
            told = time.monotonic()
            found.seen, found.total = done, total
            save_upload(rt, found)

    return tell


def _finish(rt: Runtime, found: ImportFile) -> None:
    _write_refused(rt, found)
    if found.stage is UploadStage.LOOKING:
        found.stage = UploadStage.LOOKED
        return
    found.stage = UploadStage.DONE
    if found.kind is UploadKind.LIST:
        action, target = AuditAction.FILL, str(found.list_id)
    else:
        action, target = AuditAction.IMPORT, found.name[:64]
    with rt.database.write() as session:
        record_audit(
            session, utcnow(), found.actor, action, found.kind.value, target, file=found.name[:64], **_counts(found)
        )


def _counts(found: ImportFile) -> dict[str, int]:
    return {"created": found.created, "updated": found.updated, "refused": found.refused_total}


def _write_refused(rt: Runtime, found: ImportFile) -> None:
    refusals = (uploads_directory(rt, found.token) / REFUSALS).read_bytes().splitlines()
    if refusals:
        write_rejects(upload_path(rt, found), map(orjson.loads, refusals), rejects_path(rt, found.token))


def _wake(rt: Runtime, token: str) -> bool:
    return RUN_IMPORT.enqueue(rt.redis, token)


def _key(token: str) -> str:
    return f"import:{token}"
