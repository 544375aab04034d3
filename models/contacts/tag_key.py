"""Compares the names of tags, whose case does not matter: `VIP` is the tag `vip`. Accents tell tags apart."""

import unicodedata
from collections.abc import Mapping


def tag_key(name: str) -> str:
    """Return what all spellings of a tag's name have in common."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name.strip()).casefold())


def spelling_in(tags: Mapping[str, str | None], name: str) -> str | None:
    """Return how the tag is spelled among these (name → value), exactly so where it is there; None if it is not."""
    if name in tags or not tags:
        return name if name in tags else None
    key = tag_key(name)
    return next((other for other in tags if tag_key(other) == key), None)


def add_tag(tags: dict[str, str | None], name: str, value: str | None) -> None:
    """Put a tag into name → value. The spelling that is there stays, and None keeps the value that is there."""
    known = spelling_in(tags, name)
    if known is None or value is not None:
        tags[known or name] = value
