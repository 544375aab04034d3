"""Lets a language go on that Meta paused, and replaces a template of a paused campaign. Meta is asked first."""

import logging
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.meta.management import GraphError
from jobs.campaigns.lifecycle import resume_campaign
from jobs.campaigns.start import MetaUnavailableError, refresh_from_meta, upload_or_refuse, wake_or_log
from jobs.core.clock_check import may_take_irreversible_steps
from jobs.core.conflicts import retry_conflicts, retry_conflicts_again
from jobs.core.runtime import Runtime, runtime
from jobs.core.wake_ups import RESUME_LANGUAGE, SERVE_NUMBER
from jobs.maintenance.meta_sync import read_templates
from models.billing.rate_cards import plain_category
from models.campaigns.cohort_pause import resume_cohort
from models.campaigns.replacement import (
    category_at_start,
    replace_template,
    replacements,
    waiting_cohort,
)
from models.campaigns.template_changes import RED
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.audit import META, MONITOR
from models.tables.campaign import Campaign, CampaignStatus, PauseReason, get_campaign
from models.tables.cohort import Cohort
from models.tables.template import Template
from models.templates.sendable import template_problems

log = logging.getLogger("hark.guard")

LIFTED_BY_META = (PauseReason.TEMPLATE_PAUSED, PauseReason.QUALITY)
"""Reasons that end by themselves, once Meta approves the template again."""


def list_replacements(rt: Runtime, campaign_id: int, language: str | None) -> Sequence[Template]:
    """The templates that could take the place of the one that holds up the campaign or this language of it.

    Raises OperatorError if none holds it up, or several and no language is named.
    """
    with rt.database.read() as session:
        get_campaign(session, campaign_id)
        return replacements(session, waiting_cohort(session, campaign_id, language))


def replace_and_resume(
    rt: Runtime, campaign_id: int, language: str | None, name: str, now: datetime, actor: str
) -> None:
    """Replace the template that holds up the campaign, or this language of it, and let it go on.

    Raises OperatorError if the template of this name does not fit; then nothing is changed. If it fits and the campaign cannot
    go on for another reason, it is replaced and stays paused, and the error says so. MetaUnavailableError if Meta could not be
    asked.
    """
    with rt.database.read() as session:
        get_campaign(session, campaign_id)
        former = waiting_cohort(session, campaign_id, language).template
    _read_template(rt, campaign_id, former.waba_id, name, now)
    is_plain = _replace(rt, campaign_id, language, name, now, actor)
    try:
        if is_plain:
            resume_campaign(rt, campaign_id, now, actor)
        else:
            resume_language(rt, campaign_id, former.language, now, actor)
    except OperatorError as error:
        raise OperatorError(
            "campaign {campaign_id}: its template is {name} now, and it stays paused: {why}",
            campaign_id=campaign_id,
            name=name,
            why=error.text,
        ) from error


@retry_conflicts
def _replace(rt: Runtime, campaign_id: int, language: str | None, name: str, now: datetime, actor: str) -> bool:
    with rt.database.write() as session:
        cohort = waiting_cohort(session, campaign_id, language)
        former = cohort.template
        same_place = Template.waba_id == former.waba_id, Template.language == former.language
        template = session.scalars(select(Template).where(*same_place, Template.name == name)).one_or_none()
        if template is None:
            fitting = ", ".join(it.name for it in replacements(session, cohort)) or "none"
            raise OperatorError(
                "template={name} ({language}): there is no such template for this number; these fit: {fitting}",
                name=name[:100],
                language=former.language,
                fitting=fitting,
            )
        replace_template(session, cohort, template, now, actor)
        return cohort.paused_at is None


@retry_conflicts_again
def resume_language(rt: Runtime, campaign_id: int, language: str, now: datetime, actor: str) -> None:
    """Let a paused language go on, if Meta says that its template may be sent.

    Raises OperatorError if the language is not paused or its template blocks it, MetaUnavailableError if Meta could not be asked.
    """
    with rt.database.read() as session:
        get_campaign(session, campaign_id)
        template = waiting_cohort(session, campaign_id, language).template
    refresh_from_meta(rt, campaign_id, now)
    _read_template(rt, campaign_id, template.waba_id, template.name, now)
    upload_or_refuse(rt, campaign_id, now)
    with rt.database.write() as session:
        cohort = waiting_cohort(session, campaign_id, language)
        _lock_template(session, cohort)
        if problem := next(template_problems(cohort.template), None):
            raise OperatorError("campaign {campaign_id}: {problem}", campaign_id=campaign_id, problem=problem.text)
        category = category_at_start(session, cohort.campaign)
        if plain_category(cohort.template.category) != category:
            raise OperatorError(
                "campaign {campaign_id}: {name} ({language}) is {category} now, and the campaign is {started}; replace it",
                campaign_id=campaign_id,
                name=cohort.template.name,
                language=cohort.template.language,
                category=plain_category(cohort.template.category),
                started=category,
            )
        paused = select(Cohort.id).where(
            Cohort.campaign_id == campaign_id, Cohort.template_id == cohort.template_id, Cohort.paused_at.is_not(None)
        )
        for cohort_id in session.scalars(paused.order_by(Cohort.id)).all():
            resume_cohort(session, cohort_id, now, actor)
        number_id = cohort.campaign.number_id
    if number_id is not None:
        wake_or_log(lambda: SERVE_NUMBER.enqueue(rt.redis, number_id), campaign_id)


def resume_approved_languages(rt: Runtime, now: datetime) -> None:
    """Let languages go on that Meta had paused and approves again, by a reading that is later than the pause."""
    is_lifted = (
        Cohort.pause_reason.in_(LIFTED_BY_META),
        Template.synced_at > Cohort.paused_at,
        Campaign.status == CampaignStatus.ACTIVE,
    )
    query = select(Cohort).join(Cohort.template).join(Cohort.campaign).where(*is_lifted).order_by(Cohort.id)
    with rt.database.read() as session:
        ready = [(it.id, it.campaign.number_id) for it in session.scalars(query) if _may_go_on(session, it)]
        is_over = Cohort.resumes_at <= now, Campaign.status == CampaignStatus.ACTIVE
        over_ids = session.scalars(select(Cohort.id).join(Cohort.campaign).where(*is_over).order_by(Cohort.id)).all()
    if (ready or over_ids) and not may_take_irreversible_steps(rt):
        return
    for cohort_id in over_ids:
        RESUME_LANGUAGE.enqueue(rt.redis, cohort_id)
    for cohort_id, number_id in ready:
        _resume_if_still_approved(rt, cohort_id, now)
        if number_id is not None:
            SERVE_NUMBER.enqueue(rt.redis, number_id)


def resume_language_when_over(cohort_id: int) -> None:
    """Let a language go on whose pause has an end, if Meta allows it (a job). Else the schedule tries again a minute later."""
    rt, now = runtime(), utcnow()
    with rt.database.read() as session:
        cohort = session.get(Cohort, cohort_id)
        if cohort is None or cohort.resumes_at is None or cohort.resumes_at > now:
            return
        campaign_id, language = cohort.campaign_id, cohort.template.language
    if not may_take_irreversible_steps(rt):
        return
    try:
        resume_language(rt, campaign_id, language, now, MONITOR)
    except OperatorError as error:
        log.warning("%s", error)
    else:
        RESUME_LANGUAGE.started(rt.redis, cohort_id)


def _may_go_on(session: Session, cohort: Cohort) -> bool:
    """Whether a reading that is later than the pause says that the cohort's template is the one that was started with."""
    template, campaign = cohort.template, cohort.campaign
    return (
        cohort.pause_reason in LIFTED_BY_META
        and campaign.status is CampaignStatus.ACTIVE
        and template.synced_at is not None
        and cohort.paused_at is not None
        and template.synced_at > cohort.paused_at
        and template.quality.upper() != RED
        and next(template_problems(template), None) is None
        and plain_category(template.category) == category_at_start(session, campaign)
    )


def _lock_template(session: Session, cohort: Cohort) -> None:
    """Lock the template before the campaign, as an event of it does, so that neither overlooks the other."""
    session.get_one(Template, cohort.template_id, with_for_update=True, populate_existing=True)


@retry_conflicts
def _resume_if_still_approved(rt: Runtime, cohort_id: int, now: datetime) -> None:
    with rt.database.write() as session:
        cohort = session.get_one(Cohort, cohort_id)
        _lock_template(session, cohort)
        if _may_go_on(session, cohort):
            resume_cohort(session, cohort_id, now, META)


def _read_template(rt: Runtime, campaign_id: int, waba_pk: int, name: str, now: datetime) -> None:
    try:
        read_templates(rt, waba_pk, now, name)
    except GraphError as error:
        kind = MetaUnavailableError if error.is_transient else OperatorError
        line = "campaign {campaign_id}: Meta could not be asked about the template: {error}"
        raise kind(line, campaign_id=campaign_id, error=error) from error
