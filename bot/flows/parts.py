"""Defines the parts of a bot flow's nodes: options, lists, links and media, with Meta's limits."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from bot.opt_out_words import normalize_text

# Meta's limits in characters: docs/meta.md §2.5.
TEXT = 4096
CAPTION = 1024
INTERACTIVE_BODY = 1024
LIST_BODY = 4096
BUTTON_TITLE = 20
ROW_TITLE = 24
MAX_BUTTONS = 3
MAX_ROWS = 10

MAX_KEY = 40
MAX_WAIT_SECONDS = 23 * 3600  # outside Meta's 24 hour window nothing could be sent any more

NodeName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,60}$")]
Key = Annotated[str, StringConstraints(pattern=rf"^[A-Za-z0-9_-]{{1,{MAX_KEY}}}$")]
AnswerName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,60}$")]
FormField = Annotated[str, StringConstraints(min_length=1, max_length=60)]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,60}$")]
Label = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^{}|=;\"\\\x00-\x1f\x7f]+$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=TEXT)]
Short = Annotated[str, StringConstraints(min_length=1, max_length=60)]
Value = Annotated[str, StringConstraints(max_length=1000)]
Url = Annotated[str, StringConstraints(min_length=8, max_length=2000)]
Pattern = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class FlowPart(BaseModel):
    """Base of every part of a flow's file: unknown fields are refused, texts are stripped, instances are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Option(FlowPart):
    """A reply button or a row of a list. Without `next` the node's own `next` applies."""

    title: Annotated[str, StringConstraints(min_length=1, max_length=ROW_TITLE)]
    description: Annotated[str, StringConstraints(min_length=1, max_length=72)] | None = None
    key: Key | None = None
    value: Value | None = None
    next: NodeName | None = None


class Section(FlowPart):
    """A section of a list; it needs a title if the list has several."""

    title: Annotated[str, StringConstraints(min_length=1, max_length=24)] | None = None
    rows: tuple[Option, ...] = Field(min_length=1, max_length=MAX_ROWS)


class Menu(FlowPart):
    """A list message (`list` in the file): the button that opens it, and at most ten rows in all sections together."""

    button: Annotated[str, StringConstraints(min_length=1, max_length=BUTTON_TITLE)]
    sections: tuple[Section, ...] = Field(min_length=1, max_length=10)

    @property
    def rows(self) -> tuple[Option, ...]:
        """The rows of all sections, in order."""
        return tuple(row for section in self.sections for row in section.rows)


class Link(FlowPart):
    """A button that opens a web address; names may stand in its path and query."""

    title: Annotated[str, StringConstraints(min_length=1, max_length=BUTTON_TITLE)]
    url: Url


class FlowMedia(FlowPart):
    """Media of a message: an https `link`, or the `id` of an upload at Meta."""

    kind: Literal["image", "video", "document", "audio", "sticker"]
    link: Url | None = None
    id: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,40}$")] | None = None
    filename: Annotated[str, StringConstraints(min_length=1, max_length=240)] | None = None


def options_by_key(options: tuple[Option, ...]) -> dict[str, Option]:
    """Map options to their keys: the file's key, else the folded title, else the position from 1 (a title of emoji only)."""
    return {option.key or _slug(option.title) or str(place): option for place, option in enumerate(options, 1)}


def _slug(title: str) -> str:
    words = normalize_text(title).replace(" ", "_")
    return words[:MAX_KEY] if words.isascii() else ""
