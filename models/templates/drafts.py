"""Writes drafts of new templates and pending edits, and takes them through the submission to Meta."""

from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from models.errors import OperatorError
from models.tables.audit import META
from models.tables.campaign import Campaign
from models.tables.cohort import Cohort
from models.tables.number import Waba
from models.tables.template import Template
from models.tables.template_life import DraftState, TemplateDraft, TemplateEventKind
from models.templates.definition.parse import check_template_json
from models.templates.definition.same_text import is_same_text
from models.templates.definition.template import TemplateDefinition
from models.templates.life import APPROVED, DRAFT, forget_template, record_event

SUBMISSION_IS_LOST = timedelta(minutes=3)
"""After that a submission under way has no answer any more: the next one looks at Meta first."""


def find_template(session: Session, waba_pk: int, name: str, language: str) -> Template | None:
    """The row of a template, whatever its status."""
    query = select(Template).where(Template.waba_id == waba_pk, Template.name == name, Template.language == language)
    return session.scalars(query).first()


def write_draft(session: Session, waba_pk: int, definition: TemplateDefinition, now: datetime, actor: str) -> Template:
    """Store a new template as a draft, or change the draft. Raises OperatorError if Meta has the template."""
    session.execute(select(Waba.id).where(Waba.id == waba_pk).with_for_update())  # two may write the same name at once
    template = find_template(session, waba_pk, definition.name, definition.language)
    if template is not None and template.status != DRAFT and template.missing_at is None:
        raise OperatorError(
            "template {name} ({language}): it is {status} at Meta already; edit it, or choose another name or language",
            name=definition.name,
            language=definition.language,
            status=template.status,
        )
    is_new = template is None or template.status != DRAFT
    if template is None:
        template = Template(
            waba_id=waba_pk, name=definition.name, language=definition.language, category="", status=DRAFT,
            components=[], created_at=now,
        )  # fmt: skip
        session.add(template)
    template.status, template.meta_id, template.missing_at, template.stale_at = DRAFT, None, None, None
    template.status_at = template.category_at = template.quality_at = template.synced_at = None
    template.rejected_reason, template.quality, template.correct_category = None, "UNKNOWN", None
    template.category = definition.category or "MARKETING"
    template.parameter_format = definition.parameter_format
    template.components, template.opt_out_buttons = definition.components(), None
    session.flush()
    _put_definition(session, template, definition, now, actor)
    kind = TemplateEventKind.CREATED if is_new else TemplateEventKind.EDITED
    record_event(session, template, kind, now, actor, after=DRAFT)
    return template


def write_edit(
    session: Session, template: Template, definition: TemplateDefinition, now: datetime, actor: str
) -> TemplateDraft:
    """Store a pending edit of a template that Meta has. Raises OperatorError if it changes what can never be changed."""
    if (definition.name, definition.language) != (template.name, template.language):
        raise OperatorError(
            "template {name} ({language}): an edit cannot change name or language; duplicate it instead",
            name=template.name,
            language=template.language,
        )
    draft = _put_definition(session, template, definition, now, actor)
    record_event(session, template, TemplateEventKind.EDITED, now, actor)
    return draft


def _put_definition(
    session: Session, template: Template, definition: TemplateDefinition, now: datetime, actor: str
) -> TemplateDraft:
    session.execute(select(Template.id).where(Template.id == template.id).with_for_update())
    draft = session.get(TemplateDraft, template.id, with_for_update=True, populate_existing=True)
    if draft is not None and draft.state is DraftState.SUBMITTING and draft.state_at > now - SUBMISSION_IS_LOST:
        raise OperatorError(
            "template {name} ({language}): it is being submitted; try again in a moment",
            name=template.name,
            language=template.language,
        )
    was_lost = draft is not None and draft.state is DraftState.SUBMITTING
    has_text = template.status == DRAFT or _has_other_text(template, draft, definition)
    if draft is None:
        draft = TemplateDraft(template_id=template.id)
        session.add(draft)
    draft.definition, draft.has_text, draft.written_at, draft.written_by = definition.to_json(), has_text, now, actor
    if not was_lost:  # what became of the lost submission is still to be seen at Meta
        draft.state, draft.state_at = DraftState.WRITTEN, now
    session.flush()
    return draft


def _has_other_text(template: Template, draft: TemplateDraft | None, definition: TemplateDefinition) -> bool:
    """Whether the components, samples among them, differ from what Meta has, as far as that is known here."""
    if not is_same_text(definition.components(), template.components):
        return True
    if draft is not None and draft.has_text and draft.state is not DraftState.SUBMITTED:
        return True  # an edit that waits may have other samples
    before = draft.definition if draft is not None else definition.to_json() | {"components": template.components}
    if not is_same_text(before.get("components"), template.components):
        before = definition.to_json() | {"components": template.components}
    known = check_template_json(before).definition
    return known is None or known.components() != definition.components()


def claim_submission(session: Session, template_id: int, now: datetime) -> bool:
    """Note that Meta is about to be called. False if somebody else is calling it, or nothing is written."""
    session.flush()
    statement = (
        update(TemplateDraft)
        .where(
            TemplateDraft.template_id == template_id,
            or_(
                TemplateDraft.state == DraftState.WRITTEN,
                (TemplateDraft.state == DraftState.SUBMITTING) & (TemplateDraft.state_at <= now - SUBMISSION_IS_LOST),
            ),
        )
        .values(state=DraftState.SUBMITTING, state_at=now)
    )
    return session.connection().execute(statement).rowcount == 1


def end_submission(session: Session, template_id: int, state: DraftState, now: datetime) -> None:
    """Note Meta's answer: it took the definition, or refused it."""
    session.execute(
        update(TemplateDraft)
        .where(TemplateDraft.template_id == template_id, TemplateDraft.state == DraftState.SUBMITTING)
        .values(state=state, state_at=now)
        .execution_options(synchronize_session=False)
    )


def remove_draft(session: Session, template: Template, now: datetime) -> None:
    """Remove a template that Meta never had. The row of one that a campaign names stays, as deleted."""
    by_campaign = select(Campaign.id).where(Campaign.template_id == template.id).limit(1)
    by_cohort = select(Cohort.id).where(Cohort.template_id == template.id).limit(1)
    if session.scalar(by_campaign) is None and session.scalar(by_cohort) is None:
        forget_template(session, template.id)
        return
    session.execute(delete(TemplateDraft).where(TemplateDraft.template_id == template.id))
    template.status, template.missing_at = "DELETED", now


def settle_lost_edits(session: Session, waba_pk: int, now: datetime) -> None:
    """Settle the edits whose submission got no answer and that Meta has, by the templates as they were just read."""
    lost = (
        select(TemplateDraft, Template)
        .join(Template, Template.id == TemplateDraft.template_id)
        .where(
            Template.waba_id == waba_pk,
            Template.status != DRAFT,
            TemplateDraft.state == DraftState.SUBMITTING,
            TemplateDraft.state_at <= now - SUBMISSION_IS_LOST,
            TemplateDraft.has_text.is_(True),
        )
    )
    for draft, template in session.execute(lost).all():
        if is_same_text(draft.definition.get("components"), template.components):
            end_submission(session, template.id, DraftState.SUBMITTED, now)
            record_event(session, template, TemplateEventKind.EDIT_SUBMITTED, now, META, before=APPROVED)


def adopt_draft(session: Session, template: Template, now: datetime) -> None:
    """Take over a template that Meta lists and that is a draft here.

    Where a submission got no answer, this is its answer. Else somebody made it in WhatsApp Manager: what is written here stays as
    a pending edit.
    """
    end_submission(session, template.id, DraftState.SUBMITTED, now)
    record_event(session, template, TemplateEventKind.ADOPTED, now, META)
