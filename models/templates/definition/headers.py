"""The header of a template or of a carousel's card: a text, a file, a location or a product (docs/meta.md §5.6)."""

from dataclasses import dataclass, field
from typing import Any

from models.templates.components import MEDIA_FORMATS
from models.templates.definition.examples import Examples, flat_texts, read_examples
from models.templates.definition.part import Part, present
from models.templates.definition.reader import Reader

HEADER_FORMATS = ("TEXT", *MEDIA_FORMATS, "LOCATION", "PRODUCT")


@dataclass(frozen=True, slots=True, kw_only=True)
class TextHeader(Part):
    """A line in bold, with at most one variable."""

    text: str
    example: Examples = field(default_factory=Examples)

    def to_json(self) -> dict[str, Any]:
        """Meta's component."""
        shown = present(example=self.example.to_json("header"))
        return {**self.extra, "type": "HEADER", "format": "TEXT", "text": self.text, **shown}


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaHeader(Part):
    """A picture, a video, a document or a GIF. `handle` is its sample: Meta's handle, or a name that Hark gave to a file."""

    format: str
    handle: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Meta's component."""
        example = {"header_handle": [self.handle]} if self.handle else None
        return {**self.extra, "type": "HEADER", "format": self.format, **present(example=example)}


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationHeader(Part):
    """A place on a map, chosen when the message is sent."""

    def to_json(self) -> dict[str, Any]:
        """Meta's component."""
        return {**self.extra, "type": "HEADER", "format": "LOCATION"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductHeader(Part):
    """A product of the catalog, chosen when the message is sent."""

    def to_json(self) -> dict[str, Any]:
        """Meta's component."""
        return {**self.extra, "type": "HEADER", "format": "PRODUCT"}


Header = TextHeader | MediaHeader | LocationHeader | ProductHeader


def read_header(part: Reader) -> Header | None:
    """Read a header; None, with a problem, if it has no format of Meta's. Without a format it is a text."""
    kind = part.word("format", HEADER_FORMATS, "TEXT")
    if kind == "TEXT":
        text, example = part.required_text("text"), read_examples(part, "header")
        return TextHeader(text=text, example=example, path=part.path, extra=part.extra)
    if kind in MEDIA_FORMATS:
        sample = part.child("example")
        handles = flat_texts(sample, "header_handle") if sample is not None else ()
        handle = handles[0].strip() if handles else ""
        return MediaHeader(format=str(kind), handle=handle or None, path=part.path, extra=part.extra)
    if kind == "LOCATION":
        return LocationHeader(path=part.path, extra=part.extra)
    return ProductHeader(path=part.path, extra=part.extra) if kind == "PRODUCT" else None
