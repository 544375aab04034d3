"""Runs the dry run and the import of an uploaded file (`jobs.imports.uploads`), in turns of a worker.

A turn takes about a minute, so that launches and other jobs run in between; the next turn continues where it ended. The schedule
wakes imports that no worker is running. Rows that a turn wrote before it died count as unchanged.
"""

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson
from redis.exceptions import RedisError

from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime, runtime
from jobs.core.shutdown import SHUTDOWN
from jobs.core.wake_ups import RUN_IMPORT
from jobs.imports.contacts import import_contacts
from jobs.imports.lists import import_list
from jobs.imports.orders import import_orders
from jobs.imports.reader import SheetChoices
from jobs.imports.redact_uploads import delete_flagged
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
PROGRESS_SECONDS = 0.5
BEGIN_WAIT_SECONDS = 1.0
MAX_TRIES = 5
"""Consecutive turns of a file that started and did not end."""


_CHANGEABLE = frozenset({UploadStage.MAPPING, UploadStage.DRY_RUN_DONE, UploadStage.FAILED})


def choose_reading(rt: Runtime, token: str, choices: SheetChoices) -> None:
    """Store how the file is to be read; its columns are to be chosen anew.

    Raises OperatorError if the file is being processed, was imported or is gone.
    """
    with _changing(rt, token, _CHANGEABLE) as upload:
        _keep_choices(upload, choices)
        upload.columns, upload.consents = {}, {}
        upload.begin(UploadStage.MAPPING)


def start_dry_run(
    rt: Runtime,
    token: str,
    columns: dict[str, str],
    source: str,
    list_name: str,
    consents: dict[str, str] | None = None,
    choices: SheetChoices | None = None,
    tag_separator: str = "",
) -> None:
    """Enqueue a dry run with these columns; `consents` and `tag_separator` as for `import_contacts`.

    `choices`: how the columns were read.

    Raises OperatorError if the file is being processed, was imported or is gone.
    """
    with _changing(rt, token, _CHANGEABLE) as upload:
        upload.columns, upload.source, upload.list_name = columns, source, list_name
        upload.list_id, upload.consents, upload.tag_separator = 0, consents or {}, tag_separator
        if choices is not None:
            _keep_choices(upload, choices)
        upload.begin(UploadStage.DRY_RUN)
    _wake_soon(rt, token)


def start_import(rt: Runtime, token: str, actor: str) -> None:
    """Enqueue the import. Raises OperatorError unless the dry run is done and the import has not started."""
    with _changing(rt, token, {UploadStage.DRY_RUN_DONE}) as upload:
        upload.actor = actor
        upload.begin(UploadStage.IMPORTING)
    _wake_soon(rt, token)


def run_import(token: str) -> None:
    """The job: runs one turn, and enqueues the next if the stage is not over."""
    rt = runtime()
    RUN_IMPORT.started(rt.redis, token)
    with locked(rt, token) as is_mine:
        upload = load_upload(rt, token) if is_mine else None
        if upload is None or upload.stage not in UNDER_WAY:
            return
        is_over = _turn(rt, upload)
        is_over = delete_flagged(rt, upload) or is_over
    if not is_over and not SHUTDOWN.is_set():
        _wake(rt, token)


def wake_imports(rt: Runtime, now: datetime) -> int:  # noqa: ARG001 - the schedule's form
    """Enqueue imports that are under way and not locked (lost wake-ups, dead workers); returns how many.

    Deletes expired uploads first.
    """
    delete_expired_uploads(rt)
    under_way = [upload.token for upload in list_uploads(rt) if upload.stage in UNDER_WAY]
    return sum(_wake(rt, token) for token in under_way if not is_locked(rt, token))


@contextmanager
def _changing(rt: Runtime, token: str, before: Collection[UploadStage]) -> Iterator[ImportFile]:
    """The upload, locked, to be changed and saved. Raises OperatorError if it is gone, or in none of these stages."""
    with locked(rt, token, BEGIN_WAIT_SECONDS) as is_mine:
        upload = load_upload(rt, token)
        if upload is None:
            raise OperatorError("The file is not here any more. Choose it again.")
        if not is_mine or upload.stage not in before:
            raise OperatorError("This file is being worked on, or its import is over.")
        yield upload
        for path in (rejects_path(rt, token), uploads_directory(rt, token) / REFUSALS):
            path.unlink(missing_ok=True)
        save_upload(rt, upload)


def _keep_choices(upload: ImportFile, choices: SheetChoices) -> None:
    upload.chosen_encoding, upload.sheet = choices.encoding or "", choices.sheet or ""
    upload.header_row = choices.header_row


def _wake_soon(rt: Runtime, token: str) -> None:
    with suppress(RedisError):  # wake_imports enqueues it again
        _wake(rt, token)


def _turn(rt: Runtime, upload: ImportFile) -> bool:
    """Run one turn; returns whether the stage is over."""
    upload.tries += 1
    if upload.tries > MAX_TRIES:
        upload.stage, upload.problem = UploadStage.FAILED, f"It broke off {MAX_TRIES} times; the log says why."
        save_upload(rt, upload)
        return True
    save_upload(rt, upload)
    deadline = time.monotonic() + TURN_SECONDS
    try:
        result = _work(rt, upload, deadline)
    except OperatorError as error:
        upload.stage, upload.problem = UploadStage.FAILED, str(error)
        save_upload(rt, upload)
        return True
    with open_private(uploads_directory(rt, upload.token) / REFUSALS, "ab") as file:
        file.writelines(orjson.dumps(refusal) + b"\n" for refusal in result.refused)
    upload.add(result)
    if upload.done >= upload.total:
        _finish(rt, upload)
    save_upload(rt, upload)
    if upload.stage is UploadStage.DONE:
        upload_path(rt, upload).unlink(missing_ok=True)
    return upload.stage not in UNDER_WAY


def _work(rt: Runtime, upload: ImportFile, deadline: float) -> ImportResult:
    path = upload_path(rt, upload)
    options: dict[str, Any] = {
        "dry_run": upload.stage is UploadStage.DRY_RUN, "progress": _progress_writer(rt, upload), "columns": upload.columns,
        "choices": upload.choices, "skip": upload.done, "is_over": lambda: SHUTDOWN.is_set() or time.monotonic() >= deadline,
    }  # fmt: skip
    if upload.kind is UploadKind.ORDERS:
        return import_orders(rt, path, **options)
    if upload.kind is UploadKind.LIST:
        return import_list(rt, path, _list_target(rt, upload), **options)
    options |= {"source": upload.source, "consents": upload.consents, "tag_separator": upload.tag_separator}
    return import_contacts(rt, path, actor=upload.actor, **options)


@retry_conflicts
def _list_target(rt: Runtime, upload: ImportFile) -> int | str:
    """The same list in every turn, even if it is renamed meanwhile."""
    if upload.stage is UploadStage.DRY_RUN:
        return read_list_name(upload.list_name)
    if not upload.list_id:
        with rt.database.write() as session:
            upload.list_id = list_id(session, upload.list_name, utcnow())
        save_upload(rt, upload)
    return upload.list_id


def _progress_writer(rt: Runtime, upload: ImportFile) -> Progress:
    saved_at = 0.0

    def save_progress(done: int, total: int) -> None:
        nonlocal saved_at
        if time.monotonic() - saved_at >= PROGRESS_SECONDS:
            saved_at = time.monotonic()
            upload.seen, upload.total = done, total
            save_upload(rt, upload)

    return save_progress


@retry_conflicts
def _finish(rt: Runtime, upload: ImportFile) -> None:
    _write_rejects(rt, upload)
    if upload.stage is UploadStage.DRY_RUN:
        upload.stage = UploadStage.DRY_RUN_DONE
        return
    upload.stage = UploadStage.DONE
    if upload.kind is UploadKind.LIST:
        action, target = AuditAction.FILL, str(upload.list_id)
    else:
        action, target = AuditAction.IMPORT, upload.name[:64]
    with rt.database.write() as session:
        record_audit(
            session, utcnow(), upload.actor, action, upload.kind.value, target, file=upload.name[:64], **_counts(upload)
        )


def _counts(upload: ImportFile) -> dict[str, int]:
    return {"created": upload.created, "updated": upload.updated, "refused": upload.refused_total}


def _write_rejects(rt: Runtime, upload: ImportFile) -> None:
    refusals = (uploads_directory(rt, upload.token) / REFUSALS).read_bytes().splitlines()
    if refusals:
        choices = replace(upload.choices, country=rt.settings.default_country)
        write_rejects(upload_path(rt, upload), map(orjson.loads, refusals), rejects_path(rt, upload.token), choices)


def _wake(rt: Runtime, token: str) -> bool:
    return RUN_IMPORT.enqueue(rt.redis, token)
