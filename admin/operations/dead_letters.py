"""Dead letters at the panel and the command line: a replay and a download, each with its line in the audit."""

from jobs.core.runtime import Runtime
from jobs.ingest.replay import ReplayCounts, replay_letters
from models.clock import utcnow
from models.errors import OperatorError
from models.events.dead_letters import payload_of
from models.tables.audit import AuditAction, record_audit


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
