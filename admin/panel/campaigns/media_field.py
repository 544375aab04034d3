"""Handles the field of a template's media header in the campaign form: from the library, a new file, or a link."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import abort, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.core.runtime import Runtime
from jobs.media.download import add_from_url
from jobs.media.incoming import chunks_of
from jobs.media.kinds import GIF_BYTES, HEADER_KINDS
from jobs.media.library import add_media
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.media import MediaFile

MAX_SHOWN = 12


def media_shown(draft: Mapping[str, Any]) -> Mapping[str, Any]:
    """The medium of the draft's header, empty without one. Aborts with 400 if it has another shape."""
    header = (draft.get("media") or {}).get("header") or {}
    if not isinstance(header, Mapping):
        abort(400)
    return header


def complete_medium(session: Session, draft: dict[str, Any], header_format: str | None) -> None:
    """Give the chosen file its name; drop one that the library does not have or that such a header does not take."""
    header = media_shown(draft)
    if "sha256" not in header:
        return
    query = select(MediaFile).where(MediaFile.sha256 == str(header["sha256"]), MediaFile.deleted_at.is_(None))
    row = session.scalars(query).first()
    if row is None or header_format is None or row.kind is not HEADER_KINDS[header_format]:
        draft.pop("media", None)
    else:
        draft["media"] = {"header": {**header, "file": row.name}}


def store_medium(rt: Runtime, draft: dict[str, Any], header_format: str | None, actor: str) -> None:
    """Add the submitted file, or what the link leads to if that is asked for, to the library and put it into the draft.

    Raises OperatorError if there is no header for it, or the header does not take it.
    """
    upload, link = request.files.get("media_file"), str(media_shown(draft).get("link") or "")
    is_upload, is_copy = upload is not None and bool(upload.filename), bool(link and request.form.get("media_copy"))
    if not is_upload and not is_copy:
        return
    if header_format is None:
        raise OperatorError("media: choose a number and a template whose header takes a file first")
    try:
        if upload is not None and upload.filename:
            row = add_media(rt, upload.filename, chunks_of(upload.stream), actor, utcnow(), header_format)
        else:
            row = add_from_url(rt, link, actor, utcnow(), header_format)
    except OperatorError as error:
        raise OperatorError("media: {why}", why=error) from error
    draft["media"] = {"header": {"sha256": row.sha256, "file": row.name}}


def media_to_choose(
    session: Session, header_format: str | None, chosen: Mapping[str, Any], search: str
) -> Sequence[MediaFile]:
    """The newest files of the library that such a header takes, by name where one is searched; the chosen one is among them."""
    if header_format is None:
        return []
    query = select(MediaFile).where(MediaFile.deleted_at.is_(None), MediaFile.kind == HEADER_KINDS[header_format])
    if header_format == "GIF":
        query = query.where(MediaFile.size_bytes <= GIF_BYTES, MediaFile.mime_type == "video/mp4")
    found = query.where(MediaFile.name.icontains(search.strip()[:100], autoescape=True)) if search.strip() else query
    rows = list(session.scalars(found.order_by(MediaFile.id.desc()).limit(MAX_SHOWN)))
    sha256 = chosen.get("sha256")
    if sha256 and all(row.sha256 != sha256 for row in rows):
        rows = [*session.scalars(query.where(MediaFile.sha256 == sha256)), *rows]
    return rows
