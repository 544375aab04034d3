"""Pauses and resumes cohorts: what Meta decides about one language's template stops the people of that language alone.

Where all of a campaign's cohorts send that template, the campaign itself is paused. Whoever changes a cohort locks its campaign
first, so that no claim that is committed later missed the change.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session, aliased

from models.campaigns.pause import pause_campaign, pause_campaigns
from models.db.dialect import NO_SYNC
from models.tables.audit import META, AuditAction, record_audit
from models.tables.campaign import LIVE, Campaign, PauseReason
from models.tables.cohort import Cohort
from models.tables.template import Template
from models.text import Text

OF_TEMPLATE = frozenset(
    {
        PauseReason.TEMPLATE_PAUSED,
        PauseReason.TEMPLATE_DISABLED,
        PauseReason.TEMPLATE_CHANGED,
        PauseReason.TEMPLATE_REFUSED,
        PauseReason.MEDIA_REFUSED,
        PauseReason.QUALITY,
    }
)
"""Reasons that concern the message of a cohort, not the whole campaign."""


def pause_for_template(
    session: Session, template_id: int, reason: PauseReason, detail: Text, now: datetime
) -> list[int]:
    """Pause every active campaign that sends this template, or its cohorts that do; returns the ids of the paused campaigns."""
    sends_it = exists().where(Cohort.campaign_id == Campaign.id, Cohort.template_id == template_id)
    sends_others = exists().where(Cohort.campaign_id == Campaign.id, Cohort.template_id != template_id)
    which = (sends_it | (Campaign.template_id == template_id)) & ~sends_others
    paused_ids = pause_campaigns(session, which, reason, detail, now, META)
    shared = select(Campaign.id).where(sends_it, sends_others, Campaign.status.in_(LIVE)).order_by(Campaign.id)
    for campaign_id in session.scalars(shared).all():
        pause_cohorts(session, campaign_id, template_id, reason, detail, now, META)
    return paused_ids


def pause_for_cohort(
    session: Session,
    cohort_id: int,
    reason: PauseReason,
    detail: Text,
    now: datetime,
    actor: str,
    *,
    resumes_at: datetime | None = None,
) -> bool:
    """Pause what the reason concerns: the cohorts with this one's template, or the campaign. False if that was not active."""
    cohort = session.get_one(Cohort, cohort_id)
    other = aliased(Cohort)
    sends_others = session.scalar(
        select(other.id)
        .where(other.campaign_id == cohort.campaign_id, other.template_id != cohort.template_id)
        .limit(1)
    )
    if reason in OF_TEMPLATE and sends_others is not None:
        template_id = cohort.template_id
        return bool(
            pause_cohorts(session, cohort.campaign_id, template_id, reason, detail, now, actor, resumes_at=resumes_at)
        )
    return pause_campaign(session, cohort.campaign_id, reason, detail, now, actor, resumes_at=resumes_at)


def pause_cohorts(
    session: Session,
    campaign_id: int,
    template_id: int,
    reason: PauseReason,
    detail: Text,
    now: datetime,
    actor: str,
    *,
    resumes_at: datetime | None = None,
) -> Sequence[int]:
    """Pause the campaign's cohorts with this template, with a line in the audit for each; returns those that were not paused."""
    if not lock_campaign(session, campaign_id):
        return []
    values: dict[str, Any] = {"pause_reason": reason, "pause_detail": detail.stored(), "paused_at": now}
    values["resumes_at"] = resumes_at
    paused_ids = session.scalars(
        update(Cohort)
        .where(Cohort.campaign_id == campaign_id, Cohort.template_id == template_id, Cohort.paused_at.is_(None))
        .values(values)
        .returning(Cohort.id),
        execution_options=NO_SYNC,
    ).all()
    language = session.scalar(select(Template.language).where(Template.id == template_id))
    about = {"campaign": campaign_id, "language": language, "reason": reason.value, "detail": values["pause_detail"]}
    for cohort_id in sorted(paused_ids):
        record_audit(session, now, actor, AuditAction.PAUSE, "cohort", cohort_id, **about)
    return paused_ids


def resume_cohort(session: Session, cohort_id: int, now: datetime, actor: str) -> bool:
    """Resume a paused cohort, with a line in the audit. The caller has locked its template, and checked it.

    False if it is not paused, or was paused anew since it was read.
    """
    cohort = session.get_one(Cohort, cohort_id)
    if not lock_campaign(session, cohort.campaign_id):
        return False
    statement = (
        update(Cohort)
        .where(Cohort.id == cohort_id, Cohort.paused_at.is_not(None), Cohort.paused_at == cohort.paused_at)
        .values(pause_reason=None, pause_detail=None, paused_at=None, resumes_at=None)
        .returning(Cohort.id)
    )
    if session.execute(statement, execution_options=NO_SYNC).first() is None:
        return False
    about = {"campaign": cohort.campaign_id, "language": cohort.template.language}
    record_audit(session, now, actor, AuditAction.RESUME, "cohort", cohort_id, **about)
    return True


def lock_campaign(session: Session, campaign_id: int) -> bool:
    """Lock an active or paused campaign before its cohorts; False if it is neither."""
    query = select(Campaign.id).where(Campaign.id == campaign_id, Campaign.status.in_(LIVE)).with_for_update()
    return session.scalar(query) is not None
