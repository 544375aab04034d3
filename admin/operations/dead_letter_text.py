"""Formats the payload of a dead letter for reading."""

import json
from collections.abc import Iterator
from typing import Any

from models.tables.webhook_event import BASE64, SHOP_MARK


def format_payload(payload: str, max_characters: int) -> tuple[str, bool]:
    """A stored payload with its JSON indented, cut to `max_characters`, and whether that is all of it.

    The text is empty for a payload that is stored as Base64. Characters that are not printable are escaped.
    """
    if payload.startswith(BASE64):
        return "", True
    mark = SHOP_MARK.decode()
    head, body = payload.split("\n", 1) if payload.startswith(mark) and "\n" in payload else ("", payload)
    shown = f"{head}\n" if head else ""
    try:
        parts = _indented(json.loads(body))
        for part in parts:
            shown += part
            if len(shown) > max_characters:
                break
    except (ValueError, RecursionError):  # no JSON, or nested too deeply to parse
        shown = payload
    return _printable(shown[:max_characters]), len(shown) <= max_characters


def _indented(value: Any) -> Iterator[str]:
    return json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(value)


def _printable(text: str) -> str:
    """Escape what is not printable: a terminal would obey control characters."""
    return "".join(char if char.isprintable() or char in "\n\t" else ascii(char)[1:-1] for char in text)
