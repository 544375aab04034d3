"""Reads the values of a message's variables that are the same for all: fixed texts, and the shop's name."""

from sqlalchemy.orm import Session

from models.tables.setting import read_setting
from models.templates.content import MessageContent, Source
from models.templates.sources import content_sources, text_or_none


class SharedValues:
    """The shared values of one content, read once."""

    def __init__(self, session: Session, content: MessageContent) -> None:
        kinds = {entry.source.get("source") for entry in content_sources(content, [])}
        self._shop = text_or_none(read_setting(session, "shop_name")) if "shop" in kinds else None

    def value(self, source: Source) -> str | None:
        """The value of a source; None where it is of the person, or there is none."""
        kind = source.get("source")
        if kind == "text":
            return text_or_none(source.get("text"))
        return self._shop if kind == "shop" else None
