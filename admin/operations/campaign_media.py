"""Turns the media of a campaign file into what the campaign stores: files of the library by their SHA-256, links, ids at Meta."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from admin.operations.campaign_file import Card, Medium, MessageParts
from jobs.core.runtime import Runtime
from jobs.media.kinds import check_header
from jobs.media.library import add_local_file, find_media
from models.errors import OperatorError
from models.tables.media import MediaFile
from models.tables.template import Template
from models.templates.components import MEDIA_FORMATS, card_components, header_format
from models.templates.content import MessageContent


@dataclass(frozen=True, slots=True)
class MediaResolver:
    """Finds the files that a campaign file names in the library, and adds those of this machine to it.

    `directory`: where `file` is looked up; None forbids it. `actor` adds the files.
    """

    rt: Runtime
    template: Template | None
    directory: Path | None
    now: datetime
    actor: str

    def content(self, file: MessageParts, written: MessageContent) -> MessageContent:
        """The content with its media resolved."""
        media = self.media("media", file.media.header, None)
        return replace(written, media=media, cards=self.cards(file.cards, written.cards))

    def cards(self, written: Sequence[Card], cards: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """The cards with their media resolved."""
        resolved: list[Mapping[str, Any]] = []
        for index, (part, card) in enumerate(zip(written, cards, strict=True)):
            media = self.media(f"cards.{index}.media", part.media.header, index)
            resolved.append({**card, "media": media} if media else card)
        return resolved

    def media(self, field: str, medium: Medium | None, card: int | None) -> dict[str, Any]:
        """The media of the message, or of a card; `field` names it in errors.

        Raises OperatorError if there is no such file, or the header does not take it; OSError if a local one cannot be read.
        """
        if medium is None:
            return {}
        reference = medium.sha256 or medium.media
        if reference is None and medium.file is None:
            return {"header": medium.model_dump(exclude_none=True)}
        form = self._format(card)
        if form is None and self.template is not None:
            what = "template" if card is None else "card"
            raise OperatorError("{field}: the {what}'s header takes no media", field=field, what=what)
        try:
            row = self._local_file(str(medium.file), form) if reference is None else self._of_library(reference, form)
        except OperatorError as error:
            raise OperatorError("{field}: {why}", field=field, why=error) from error
        named = {"filename": medium.filename} if medium.filename else {}
        return {"header": {"sha256": row.sha256, "file": row.name} | named}

    def _of_library(self, reference: str, form: str | None) -> MediaFile:
        with self.rt.database.read() as session:
            row = find_media(session, reference)
        if form is not None:
            check_header(row.name, row.mime_type, row.size_bytes, form)
        return row

    def _local_file(self, file: str, form: str | None) -> MediaFile:
        if self.directory is None:
            raise OperatorError("a file is allowed on the command line alone; upload it to the library instead")
        return add_local_file(self.rt, self.directory / file, self.actor, self.now, form)

    def _format(self, card: int | None) -> str | None:
        """The format of the header, or of the card's; None if it takes no media, or there is no template yet."""
        if self.template is None:
            return None
        components = self.template.components
        form = header_format(components if card is None else card_components(components, card))
        return form if form in MEDIA_FORMATS else None
