"""Adds the files that are uploaded for the cards of a campaign to the library."""

from collections.abc import Mapping
from typing import Any

from jobs.core.runtime import Runtime
from jobs.media.incoming import chunks_of
from jobs.media.library import add_media
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.template import Template
from models.templates.components import MEDIA_FORMATS, card_components, header_format


def store_card_uploads(
    rt: Runtime, template: Template | None, files: Mapping[str, Any], draft: Mapping[str, Any], actor: str
) -> None:
    """Store the files at once, as that of the header, and write them into the draft.

    Raises OperatorError if a card does not take its file.
    """
    for index, card in enumerate(draft.get("cards") or ()):
        upload = files.get(f"card-{index}-media_file")
        if upload is None or not upload.filename or template is None:
            continue
        needed = header_format(card_components(template.components, index))
        if needed not in MEDIA_FORMATS:
            raise OperatorError("cards.{index}.media: the card's header takes no media", index=index)
        try:
            row = add_media(rt, upload.filename, chunks_of(upload.stream), actor, utcnow(), needed)
        except OperatorError as error:
            raise OperatorError("cards.{index}.media: {why}", index=index, why=error) from error
        card["media"] = {"header": {"sha256": row.sha256, "file": row.name}}
