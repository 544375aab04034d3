"""Dead letters at the panel and the command line: a payload as a person reads it, and a replay with its line in the audit."""

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
    """Apply one dead letter, or all that wait. Refused where that one does not wait."""
    done = replay_letters(rt, letter_id)
    with rt.database.write() as session:
        record_audit(session, utcnow(), actor, AuditAction.REPLAY, "dead_letter", letter_id or "all", **done._asdict())
    return done


def download_letter(rt: Runtime, letter_id: int, actor: str) -> bytes:
    """The payload as it came; that it was handed out stands in the audit. Refused where there is none, or it was applied."""
    with rt.database.write() as session:
        raw = payload_of(session, letter_id)
        if raw is None:
            raise OperatorError(
                "dead letter {letter_id}: there is none that waits under this number", letter_id=letter_id
            )
        record_audit(session, utcnow(), actor, AuditAction.DOWNLOAD, "dead_letter", letter_id)
    return raw


def readable(payload: str, most: int) -> tuple[str, bool]:
    """A kept payload with JSON indented, and whether it is whole: at most so many characters, whatever it holds."""
    if payload.startswith(BASE64):
        return "", True
    mark = MARK.decode()
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
