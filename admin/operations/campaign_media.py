"""Turns a medium of a campaign file into what the campaign stores: a file of the library by its SHA-256, else a link or an id."""

from datetime import datetime
from pathlib import Path
from typing import Any

from admin.operations.campaign_file import Medium
from jobs.core.runtime import Runtime
from jobs.media.kinds import check_header
from jobs.media.library import add_local_file, find_media
from models.errors import OperatorError
from models.tables.media import MediaFile
from models.tables.template import Template
from models.templates.variables import media_format


def stored_medium(
    rt: Runtime, medium: Medium | None, template: Template | None, directory: Path | None, now: datetime, actor: str
) -> dict[str, Any] | None:
    """The medium of the template's header as the campaign stores it; a local file is added to the library.

    `directory`: where `file` is looked up; None forbids it. Raises OperatorError if there is no such file, or the header does not
    take it; OSError if a local one cannot be read.
    """
    if medium is None:
        return None
    header_format = media_format(template) if template else None
    if template is not None and header_format is None and (medium.file or medium.sha256 or medium.media):
        raise OperatorError("media: the template's header takes no media")
    return medium_for_header(rt, medium, header_format, directory, now, actor)


def medium_for_header(
    rt: Runtime, medium: Medium, header_format: str | None, directory: Path | None, now: datetime, actor: str
) -> dict[str, Any]:
    """As `stored_medium`, for a header of this format (`jobs.media.kinds.HEADER_KINDS`), such as that of a carousel's card; None
    takes any file.
    """
    reference = medium.sha256 or medium.media
    if reference is None and medium.file is None:
        return medium.model_dump(exclude_none=True)
    try:
        if reference is None:
            row = _local_file(rt, str(medium.file), header_format, directory, now, actor)
        else:
            with rt.database.read() as session:
                row = find_media(session, str(reference))
            if header_format is not None:
                check_header(row.name, row.mime_type, row.size_bytes, header_format)
    except OperatorError as error:
        raise OperatorError("media: {why}", why=error) from error
    return {"sha256": row.sha256, "file": row.name} | ({"filename": medium.filename} if medium.filename else {})


def _local_file(
    rt: Runtime, file: str, header_format: str | None, directory: Path | None, now: datetime, actor: str
) -> MediaFile:
    if directory is None:
        raise OperatorError("a file is allowed on the command line alone; upload it to the library instead")
    return add_local_file(rt, directory / file, actor, now, header_format)
