"""Handles the field of a template's media header in the campaign form: from the library, a new file, or a link."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import abort, request
from sqlalchemy.orm import Session

from jobs.core.runtime import Runtime
from jobs.media.download import add_from_url
from jobs.media.incoming import chunks_of
from jobs.media.kinds import HEADER_KINDS
from jobs.media.library import add_media, files_for_header
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.media import MediaFile
from models.tables.template import Template
from models.templates.components import card_components, header_format
from models.templates.content import MessageContent

MAX_SHOWN = 12
MAX_CARD_CHOICES = 50


def media_shown(draft: Mapping[str, Any]) -> Mapping[str, Any]:
    """The medium of the draft's header, empty without one. Aborts with 400 if it has another shape."""
    header = (draft.get("media") or {}).get("header") or {}
    if not isinstance(header, Mapping):
        abort(400)
    return header


def complete_medium(session: Session, draft: dict[str, Any], form: str | None) -> None:
    """Give the chosen file its name; drop one that the library does not have or that such a header does not take."""
    header = media_shown(draft)
    if "sha256" not in header:
        return
    row = _file_for(session, header, form)
    if row is None:
        draft.pop("media", None)
    else:
        draft["media"] = {"header": {**header, "file": row.name}}


def complete_card_media(session: Session, draft: Mapping[str, Any], template: Template) -> None:
    """The same for the file of each card."""
    for index, card in enumerate(draft.get("cards") or ()):
        header = media_shown(card)
        if "sha256" in header:
            form = header_format(card_components(template.components, index))
            row = _file_for(session, header, form if form in HEADER_KINDS else None)
            card["media"] = {"header": {**header, "file": row.name}} if row is not None else {}


def card_media_choices(session: Session, template: Template | None, content: MessageContent) -> dict[str, Any]:
    """What the cards' lists offer, by the format of the header: pairs of SHA-256 and name, the newest files first."""
    if template is None:
        return {}
    forms = {header_format(card_components(template.components, card)) for card in range(len(content.cards))}
    chosen = {str(header.get("sha256")) for header in content.all_media()}
    choices: dict[str, Any] = {}
    for form in HEADER_KINDS.keys() & forms:
        takes = files_for_header(form)
        newest = session.scalars(takes.order_by(MediaFile.id.desc()).limit(MAX_CARD_CHOICES))
        rows = {row.sha256: row.name for row in newest}
        rows |= {row.sha256: row.name for row in session.scalars(takes.where(MediaFile.sha256.in_(chosen)))}
        choices[form] = list(rows.items())
    return choices


def _file_for(session: Session, header: Mapping[str, Any], form: str | None) -> MediaFile | None:
    if form is None:
        return None
    return session.scalars(files_for_header(form).where(MediaFile.sha256 == str(header["sha256"]))).first()


def store_medium(rt: Runtime, draft: dict[str, Any], form: str | None, actor: str) -> None:
    """Add the submitted file, or what the link leads to if that is asked for, to the library and put it into the draft.

    Raises OperatorError if there is no header for it, or the header does not take it.
    """
    upload, link = request.files.get("media_file"), str(media_shown(draft).get("link") or "")
    is_upload, is_copy = upload is not None and bool(upload.filename), bool(link and request.form.get("media_copy"))
    if not is_upload and not is_copy:
        return
    if form is None:
        raise OperatorError("media: choose a number and a template whose header takes a file first")
    try:
        if upload is not None and upload.filename:
            row = add_media(rt, upload.filename, chunks_of(upload.stream), actor, utcnow(), form)
        else:
            row = add_from_url(rt, link, actor, utcnow(), form)
    except OperatorError as error:
        raise OperatorError("media: {why}", why=error) from error
    draft["media"] = {"header": {"sha256": row.sha256, "file": row.name}}


def media_to_choose(session: Session, form: str | None, chosen: Mapping[str, Any], search: str) -> Sequence[MediaFile]:
    """The newest files of the library that such a header takes, by name where one is searched; the chosen one is among them."""
    if form is None:
        return []
    query = files_for_header(form)
    found = query.where(MediaFile.name.icontains(search.strip()[:100], autoescape=True)) if search.strip() else query
    rows = list(session.scalars(found.order_by(MediaFile.id.desc()).limit(MAX_SHOWN)))
    sha256 = chosen.get("sha256")
    if sha256 and all(row.sha256 != sha256 for row in rows):
        rows = [*session.scalars(query.where(MediaFile.sha256 == sha256)), *rows]
    return rows
