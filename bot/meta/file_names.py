"""Names the file of a document that is sent by link, since the reader sees that name (docs/meta.md §2.3, §2.4)."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

MAX_CHARACTERS = 240
MAX_EXTENSION = 10
UNNAMED = "document"
_NOT_IN_A_NAME = re.compile(r"[\x00-\x1f\x7f/\\]")


def with_file_name(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with a `filename`: its own, else the one in its link. A document by id without a name stays as it is."""
    if document.get("filename") or not document.get("link"):
        return dict(document)
    return {**document, "filename": file_name_of(str(document["link"]))}


def file_name_of(link: str) -> str:
    """The last part of the link's path, as a person reads it; `document` if the path names no file."""
    try:
        path = urlsplit(link).path
    except ValueError:  # a bracket in the host
        return UNNAMED
    name = unquote(path.rstrip("/").rsplit("/", 1)[-1])
    name = " ".join(_NOT_IN_A_NAME.sub(" ", name).split())
    stem, dot, extension = name.rpartition(".")
    ending = f"{dot}{extension}" if stem and len(extension) <= MAX_EXTENSION else ""
    stem = name.removesuffix(ending)[: MAX_CHARACTERS - len(ending)]
    return f"{stem}{ending}".strip(" .") or UNNAMED
