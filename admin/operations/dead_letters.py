"""Replays and downloads dead letters with an audit entry, and formats their payload for reading."""

import json
from collections.abc import Iterator
from typing import Any

from bot.webhooks.shopify import MARK
from jobs.core.runtime import Runtime
from jobs.ingest.replay import ReplayCounts, replay_letters
from models.clock import utcnow
from models.errors import OperatorError
from models.events.dead_letters import payload_of
from models.tables.audit import AuditAction, record_audit
from models.tables.webhook_event import BASE64


def replay_letter(rt: Runtime, letter_id: int | None, actor: str) -> ReplayCounts:
    """Apply one dead letter, or all that wait if `letter_id` is None. Raises OperatorError if that one does not wait."""
    counts = replay_letters(rt, letter_id)
    with rt.database.write() as session:
        record_audit(
            session, utcnow(), actor, AuditAction.REPLAY, "dead_letter", letter_id or "all", **counts._asdict()
        )
    return counts


def download_letter(rt: Runtime, letter_id: int, actor: str) -> bytes:
    """The payload as received; the download is audited. Raises OperatorError if there is no such letter or it was applied."""
    with rt.database.write() as session:
        raw = payload_of(session, letter_id)
        if raw is None:
            raise OperatorError(
                "dead letter {letter_id}: there is none that waits under this number", letter_id=letter_id
            )
        record_audit(session, utcnow(), actor, AuditAction.DOWNLOAD, "dead_letter", letter_id)
    return raw


def format_payload(payload: str, max_characters: int) -> tuple[str, bool]:
    """A stored payload with its JSON indented, cut to `max_characters`, and whether that is all of it.

    The text is empty for a payload that is stored as Base64. Characters that are not printable are escaped.
    """
    if payload.startswith(BASE64):
        return "", True
    mark = MARK.decode()
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
