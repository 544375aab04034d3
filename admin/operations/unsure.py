"""Settles messages whose result is unknown: left as they are, or queued once more."""

from collections.abc import Sequence

from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from models.campaigns import unsure
from models.clock import utcnow


@retry_conflicts
def leave_unsure(rt: Runtime, campaign_id: int, ids: Sequence[int] | None, actor: str) -> int:
    """Leave these unsure messages of a campaign, None for all, as they are; return how many."""
    with rt.database.write() as session:
        return unsure.leave_unsure(session, campaign_id, ids, utcnow(), actor)


@retry_conflicts
def resend_unsure(rt: Runtime, campaign_id: int, ids: Sequence[int] | None, actor: str) -> int:
    """Queue these unsure messages of a campaign, None for all, again; return how many.

    Raises OperatorError if the campaign cannot send any more.
    """
    with rt.database.write() as session:
        return unsure.resend_unsure(session, campaign_id, ids, utcnow(), actor)
