"""Replays and downloads dead letters, with an audit entry each."""

from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from jobs.ingest.replay import ReplayCounts, replay_letters
from models.clock import utcnow
from models.errors import OperatorError
from models.events.dead_letters import payload_of
from models.tables.audit import AuditAction, record_audit


@retry_conflicts
def replay_letter(rt: Runtime, letter_id: int | None, actor: str) -> ReplayCounts:
    """Apply one dead letter, or all that wait if `letter_id` is None. Raises OperatorError if that one does not wait."""
    counts = replay_letters(rt, letter_id)
    with rt.database.write() as session:
        record_audit(
            session, utcnow(), actor, AuditAction.REPLAY, "dead_letter", letter_id or "all", **counts._asdict()
        )
    return counts


@retry_conflicts
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
