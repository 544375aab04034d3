"""Notes that somebody took data out: in the audit, and as a number for /metrics."""

from jobs.core.conflicts import retry_conflicts
from jobs.core.loader import load
from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.tables.audit import AuditAction, record_audit

EXPORTS_KEY = "hark:exports"
"""A hash, kind → number."""
EXPORT_KINDS = (
    "campaign", "contact", "contacts", "list", "segment", "cases", "orders", "proof", "refused rows", "database", "statement",
)  # fmt: skip


@retry_conflicts
def record_export(
    rt: Runtime, actor: str, kind: str, object_id: object, *, object_type: str | None = None, **detail: object
) -> None:
    """Note an export, before any of it leaves. `kind` is one of EXPORT_KINDS, and the type of the object in the audit unless
    another is given; `detail` stands in the audit.
    """
    now = utcnow()
    with rt.database.write() as session:
        record_audit(session, now, actor, AuditAction.EXPORT, object_type or kind, object_id, **detail)
    try:
        rt.redis.hincrby(EXPORTS_KEY, kind, 1)
    except load("redis.exceptions:RedisError"):  # by name: commands import it only where they need Redis
        return  # the audit has it
