"""Stores the files that are uploaded for the cards of a campaign."""

from collections.abc import Mapping
from typing import Any

from admin.operations.media import LIMITS, store_media
from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.number import Number
from models.tables.template import Template
from models.templates.components import MEDIA_FORMATS, card_components, header_format


def store_card_uploads(
    rt: Runtime, number: Number | None, template: Template | None, files: Mapping[str, Any], draft: Mapping[str, Any]
) -> None:
    """Store the files at once, as that of the header, and write them into the draft.

    Raises OperatorError if a card does not take its file.
    """
    for index, card in enumerate(draft.get("cards") or ()):
        upload = files.get(f"card-{index}-media_file")
        if upload is None or not upload.filename or number is None or template is None:
            continue
        needed = header_format(card_components(template.components, index))
        if needed not in MEDIA_FORMATS:
            raise OperatorError("cards.{index}.media: the card's header takes no media", index=index)
        content = upload.stream.read(LIMITS[needed] + 1)
        sha256 = store_media(rt, number.id, upload.filename, content, needed, utcnow())
        card["media"] = {"header": {"sha256": sha256, "file": upload.filename}}
