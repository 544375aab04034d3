"""Pauses, resumes and ends a campaign. Panel, commands, chat-ops and the schedule call these same functions.

jobs.campaigns.start starts one. Each function raises CampaignNotFoundError if there is no such campaign, and TransitionError if
its state does not allow the operation.
"""

from datetime import datetime

from jobs.campaigns.monitor import release_recipients
from jobs.campaigns.start import ask_and_upload, wake_or_log
from jobs.core.conflicts import retry_conflicts, retry_conflicts_again
from jobs.core.runtime import Runtime
from jobs.core.wake_ups import SERVE_NUMBER
from jobs.sending.failure_rate import forget_guard
from models.campaigns import end, pause
from models.restore.release import check_resume, release_campaign
from models.tables.audit import AuditAction, record_audit
from models.tables.campaign import Campaign, PauseReason, check_verb, refusal, transition


@retry_conflicts
def pause_campaign(rt: Runtime, campaign_id: int, now: datetime, actor: str) -> None:
    """Pause it at an operator's request. Once this is committed no new send begins; those under way are finished."""
    with rt.database.write() as session:
        if not pause.pause_campaign(session, campaign_id, PauseReason.OPERATOR, None, now, actor):
            raise refusal(session, campaign_id, "pause")


@retry_conflicts_again
def resume_campaign(rt: Runtime, campaign_id: int, now: datetime, actor: str) -> None:
    """Resume a paused one, after the part of the preflight that can change while it is paused.

    Raises OperatorError if a check blocks it, MetaUnavailableError if Meta could not be asked.
    """
    with rt.database.read() as session:
        check_resume(session, campaign_id)
        check_verb(session, campaign_id, "resume")
    # Its audience was frozen at the launch, and nobody in it is free for another launch.
    ask_and_upload(rt, campaign_id, now, ignored={"eligible"})
    with rt.database.write() as session:
        check_resume(session, campaign_id)
        transition(session, campaign_id, "resume", now)
        release_campaign(session, campaign_id, actor, now)
        record_audit(session, now, actor, AuditAction.RESUME, "campaign", campaign_id)
        number_id = session.get_one(Campaign, campaign_id).number_id

    def wake_number() -> None:
        forget_guard(rt.redis, campaign_id)
        if number_id is not None:
            SERVE_NUMBER.enqueue(rt.redis, number_id)

    wake_or_log(wake_number, campaign_id)


@retry_conflicts
def end_campaign(rt: Runtime, campaign_id: int, now: datetime, actor: str) -> None:
    """End it for good: queued recipients are skipped, and its contacts are released for other campaigns, slice by slice."""
    with rt.database.write() as session:
        has_more = end.end_campaign(session, campaign_id, now)
        record_audit(session, now, actor, AuditAction.END, "campaign", campaign_id)
    if has_more:
        release_recipients(rt, campaign_id)
