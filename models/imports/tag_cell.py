"""Reads a cell of tags: `vip;city=Madrid`, `vip, wholesale`, or as other programs write them."""

import csv
import re
from collections.abc import Iterator
from functools import lru_cache

from models.contacts.field_values import FieldValueError, read_name
from models.contacts.tag_key import add_tag
from models.contacts.tagging import read_tag_value

MAX_TAGS = 100
SEPARATORS = {",": "commas", ";": "semicolons", "|": "vertical bars", "\n": "line breaks"}
"""What may be said to separate tags, and what it is called."""
_TAG_SEPARATORS = re.compile(r"[;|\r\n\t；؛｜]+|:::")
_ARRAY = re.compile(r"""\[( *["'].*["'] *)?\]""")
"""A list as programs write it: `["vip", "new"]`."""
_COMMA = re.compile("[,،、，]")


def read_tags(text: str, separator: str = "") -> dict[str, str | None]:
    """Parse `vip;city=Madrid` to name → value. Tags are separated by `;`, `|`, a tab, a line break, `:::` or a comma of any script.

    With a `separator` (of SEPARATORS) only that one counts. Each may be in quotes. A comma behind an `=` belongs to the value
    (`city=Madrid, Spain`) unless what follows has a value too. Raises FieldValueError if a name or value is not allowed, or
    there are too many.
    """
    tags: dict[str, str | None] = {}
    for part in _tag_parts(text, separator):
        if part.strip():
            add_tag(tags, *_read_tag(part))
    if len(tags) > MAX_TAGS:
        raise FieldValueError("has {count} tags; at most {max_tags} are allowed", count=len(tags), max_tags=MAX_TAGS)
    return tags


@lru_cache(maxsize=8192)
def _read_tag(part: str) -> tuple[str, str | None]:
    """The name and the value of a tag. Most rows of a file have the same few."""
    name, equals, value = part.partition("=")
    return read_name(name, "a tag"), read_tag_value(value) if equals else None


def _tag_parts(text: str, separator: str) -> Iterator[str]:
    if separator:
        yield from (
            _quoted_tags(text)
            if separator == ","
            else re.split(r"[\r\n]+" if separator == "\n" else re.escape(separator), text)
        )
        return
    array = _ARRAY.fullmatch(text) if text.startswith("[") else None
    if array is not None:
        yield from (tag.strip(" \"'") for tag in (array[1] or "").split(","))
        return
    for part in _TAG_SEPARATORS.split(text):
        if part.isascii() and '"' not in part and "," not in part:
            yield part
            continue
        if part.lstrip().startswith('"'):
            yield from _quoted_tags(part)
            continue
        pieces = _COMMA.split(part)
        tag = pieces[0]
        for piece in pieces[1:]:
            if "=" in tag and "=" not in piece:
                tag += f",{piece}"
            else:
                yield tag
                tag = piece
        yield tag


def _quoted_tags(part: str) -> Iterator[str]:
    try:
        yield from next(csv.reader([" ".join(part.splitlines())], skipinitialspace=True, strict=True), [])
    except csv.Error:
        yield part
