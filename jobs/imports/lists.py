"""Putting the people of a file on a list: by its column of phones, those who are contacts already."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from jobs.core.runtime import Runtime
from jobs.imports.result import ImportResult, IsOver, Progress, in_transaction, run_chunks
from jobs.imports.staging import StagingFile, read_staged_people
from models.clock import utcnow
from models.contacts.tagging import add_members, find_list, list_id, members_among
from models.imports.contact_row import ImportRow
from models.imports.upsert import match_rows
from models.segments.rename_delete import group_name

UNKNOWN = "no contact has this phone; import it first"


@dataclass(slots=True)
class ListResult:
    """What came of putting a file's phones on a list."""

    id: int
    name: str
    added: int = 0
    already: int = 0
    refused: list[dict[str, Any]] = field(default_factory=list)
    refused_total: int = 0

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
    skip: int = 0,
    is_over: IsOver | None = None,
) -> ImportResult:
    """Put them on a list; who is put there counts as created, who is there as unchanged, unknown phones are refused.

    `onto` is its id, or its name: then it is made if there is none, once the file was read. BadFile, BadValue or Refused, each one
    line, where nothing can be done; Refused also where the list was deleted meanwhile.
    """
    result = ImportResult()
    now = utcnow()
    with tempfile.TemporaryFile() as file:
        spool = StagingFile(file)
        read = ImportResult() if skip else result
        read_staged_people(rt, Path(path), columns, spool, read, only_phone=True)
        result.total = read.total
        target = _target(rt, onto, dry_run=dry_run)

        def take(chunk: tuple[list[ImportRow], int]) -> None:
            rows, _lines = chunk

            def work(session: Session) -> tuple[dict[int, int], int]:
                if target is not None:
                    group_name(session, "list", target, locked=not dry_run)
                found = match_rows(session, rows, lock=not dry_run)
                people = set(found.values())
                if target is None:
                    return found, len(people)
                if dry_run:
                    return found, len(people) - members_among(session, target, people)
                return found, add_members(session, target, people, now)

            found, added = in_transaction(rt, work, dry_run=dry_run)
            result.add(added, 0, len(set(found.values())) - added)
            for row in rows:
                if row.line not in found:
                    result.refuse(row.line, UNKNOWN)

        return run_chunks(spool.chunks(skip), take, result, progress, is_over)


def add_to_list(
    rt: Runtime,
    name: str,
    path: Path | str,
    *,
    progress: Progress | None = None,
    columns: Mapping[str, str] | None = None,
) -> ListResult:
    """The same for the list of that name, as the command says what came of it."""
    result = import_list(rt, path, name, progress=progress, columns=columns)
    with rt.database.read() as session:
        made = find_list(session, name)
    return ListResult(made or 0, name.strip(), result.created, result.unchanged, result.refused, result.refused_total)


def _target(rt: Runtime, onto: int | str, *, dry_run: bool) -> int | None:
    """The list's id; None in a dry run for one that there is not yet."""
    if isinstance(onto, int):
        return onto
    if dry_run:
        with rt.database.read() as session:
            return find_list(session, onto)
    with rt.database.write() as session:
        return list_id(session, onto, utcnow())
