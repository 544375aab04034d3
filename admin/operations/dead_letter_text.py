"""Shows the payload of a dead letter as a person reads it."""

import json
from collections.abc import Iterator
from typing import Any

from models.tables.webhook_event import BASE64, SHOP_MARK


def readable(payload: str, most: int) -> tuple[str, bool]:
    """A kept payload with JSON indented, and whether it is whole: at most so many characters, whatever it holds."""
    if payload.startswith(BASE64):
        return "", True
    mark = SHOP_MARK.decode()
    head, body = payload.split("\n", 1) if payload.startswith(mark) and "\n" in payload else ("", payload)
    shown = f"{head}\n" if head else ""
    try:
        parts = _indented(json.loads(body))
        for part in parts:
            shown += part
            if len(shown) > most:
                break
    except (ValueError, RecursionError):  # no JSON, or nested deeper than anybody reads
        shown = payload
    return _printable(shown[:most]), len(shown) <= most


def _indented(value: Any) -> Iterator[str]:
    return json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(value)


def _printable(text: str) -> str:
    """A terminal obeys what it prints: what is no character to read is spelled out."""
    return "".join(char if char.isprintable() or char in "\n\t" else ascii(char)[1:-1] for char in text)
