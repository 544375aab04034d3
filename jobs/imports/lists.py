"""Adds the people of a file to a list: existing contacts, found by the file's column of phones."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from jobs.imports.reader import NO_CHOICES, SheetChoices
from jobs.imports.result import ImportResult, IsOver, Progress, in_transaction, run_chunks
from jobs.imports.staging import StagingFile, stage_rows
from models.clock import utcnow
from models.contacts.tagging import add_members, find_list, list_id, members_among
from models.imports.contact_row import ImportRow
from models.imports.upsert import match_rows
from models.segments.rename_delete import group_name

UNKNOWN = "no contact has this phone; import it first"


@dataclass(slots=True)
class ListResult:
    """The result of adding a file's phones to a list."""

    id: int
    name: str
    added: int = 0
    already: int = 0
    refused: list[dict[str, Any]] = field(default_factory=list)
    refused_total: int = 0
    encoding: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The summary that the command prints."""
        return {
            "id": self.id,
            "name": self.name,
            "added": self.added,
            "already": self.already,
            "refused": self.refused,
        }


def import_list(
    rt: Runtime,
    path: Path | str,
    onto: int | str,
    *,
    dry_run: bool = False,
    progress: Progress | None = None,
    columns: Mapping[str, str] | None = None,
    choices: SheetChoices = NO_CHOICES,
    skip: int = 0,
    is_over: IsOver | None = None,
) -> ImportResult:
    """Add the people of a file to a list. Created: newly on the list; unchanged: already on it; refused: unknown phones.

    `onto`: the list's id, or its name; a list of that name is created if there is none, once the file was read. Raises
    BadFileError if nothing of the file can be imported, FieldValueError if the name is bad, and OperatorError if the list was
    deleted meanwhile.
    """
    result = ImportResult()
    now = utcnow()
    with tempfile.TemporaryFile() as file:
        staging = StagingFile(file)
        read_result = ImportResult() if skip else result
        stage_rows(rt, Path(path), columns, staging, read_result, only_phone=True, choices=choices)
        result.total, result.encoding = read_result.total, read_result.encoding
        target = _target(rt, onto, dry_run=dry_run)

        def import_chunk(chunk: tuple[list[ImportRow], int]) -> None:
            rows, _lines = chunk

            def add_to_target(session: Session) -> tuple[dict[int, int], int]:
                if target is not None:
                    group_name(session, "list", target, locked=not dry_run)
                contact_ids = match_rows(session, rows, lock=not dry_run)
                member_ids = set(contact_ids.values())
                if target is None:
                    return contact_ids, len(member_ids)
                if dry_run:
                    return contact_ids, len(member_ids) - members_among(session, target, member_ids)
                return contact_ids, add_members(session, target, member_ids, now)

            contact_ids, added = in_transaction(rt, add_to_target, dry_run=dry_run)
            result.add(added, 0, len(set(contact_ids.values())) - added)
            for row in rows:
                if row.line not in contact_ids:
                    result.refuse(row.line, UNKNOWN)

        return run_chunks(staging.chunks(skip), import_chunk, result, progress, is_over)


def add_to_list(
    rt: Runtime,
    name: str,
    path: Path | str,
    *,
    progress: Progress | None = None,
    columns: Mapping[str, str] | None = None,
    choices: SheetChoices = NO_CHOICES,
) -> ListResult:
    """Like `import_list`, by name, with the result as the command line prints it. Raises the same errors."""
    result = import_list(rt, path, name, progress=progress, columns=columns, choices=choices)
    with rt.database.read() as session:
        target_id = find_list(session, name)
    return ListResult(
        target_id or 0,
        name.strip(),
        result.created,
        result.unchanged,
        result.refused,
        result.refused_total,
        result.encoding,
    )


@retry_conflicts
def _target(rt: Runtime, onto: int | str, *, dry_run: bool) -> int | None:
    """The list's id; None in a dry run if the list does not exist yet."""
    if isinstance(onto, int):
        return onto
    if dry_run:
        with rt.database.read() as session:
            return find_list(session, onto)
    with rt.database.write() as session:
        return list_id(session, onto, utcnow())
