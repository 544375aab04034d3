"""Says who is linked to an account at the provider of single sign-on, and takes links away."""

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from admin.auth.sessions import end_sessions_of
from admin.auth.users import load_user
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.db.dialect import NO_SYNC
from models.errors import OperatorError
from models.tables.audit import AuditAction, record_audit
from models.tables.browser_session import EndReason
from models.tables.external_identity import ExternalIdentity


def has_account(rt: Runtime, user_id: int) -> bool:
    """Whether a user is linked to an account at a provider."""
    with rt.database.read() as session:
        return session.get(ExternalIdentity, user_id) is not None


def linked_users(session: Session) -> frozenset[int]:
    """The ids of the users who are linked to an account at a provider."""
    return frozenset(session.scalars(select(ExternalIdentity.user_id)))


@retry_conflicts
def unlink_account(rt: Runtime, user_id: int, actor: str) -> None:
    """Take the link to an account at the provider from a user, and end their sessions.

    Raises OperatorError if there is no such user, or they are not linked.
    """
    now = utcnow()
    with rt.database.write() as session:
        email = load_user(session, user_id).email
        unlinked = session.scalar(
            delete(ExternalIdentity).where(ExternalIdentity.user_id == user_id).returning(ExternalIdentity.user_id),
            execution_options=NO_SYNC,
        )
        if unlinked is None:
            raise OperatorError("{email} is not linked to an account of single sign-on", email=email)
        ended = end_sessions_of(session, user_id, EndReason.ENDED_BY_ADMIN, now)
        record_audit(session, now, actor, AuditAction.UNLINK_ACCOUNT, "user", user_id, sessions=ended)
