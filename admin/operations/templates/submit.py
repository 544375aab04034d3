"""Submits a draft, or a pending edit, to Meta.

The intent is committed first, Meta is called outside of any transaction, then its answer is stored. Where the process dies or the
answer is lost in between, the next submission looks at Meta before it calls it again.
"""

import copy
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from admin.operations.templates.accounts import (
    account_of,
    app_id_of,
    stored_template,
    template_admin,
)
from admin.operations.templates.drafts import WrittenTemplate, check_written
from admin.operations.templates.in_use import pause_its_campaigns, refuse_while_sent
from admin.operations.templates.reread import reread_template
from admin.operations.templates.samples import PREFIX, media_headers, open_sample, with_handles
from admin.operations.templates.submission import Submission, as_listed, changes_of, found_at_meta
from bot.meta.management import GraphError
from bot.meta.template_admin import EXISTS, TemplateAdmin
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from jobs.maintenance.meta_sync import fill_template
from models.clock import utcnow, zoned
from models.errors import OperatorError
from models.stored_texts import META_SAYS
from models.tables.audit import AuditAction, record_audit
from models.tables.template import Template
from models.tables.template_life import DraftState, TemplateDraft, TemplateEventKind
from models.templates.definition.parse import check_template_json
from models.templates.definition.problems import DefinitionError, Problems
from models.templates.drafts import SUBMISSION_IS_LOST, claim_submission, end_submission
from models.templates.life import APPROVED, DRAFT, EDITABLE, edits_left, name_blocked_until, next_creation, record_event


def submit_template(
    rt: Runtime, name: str, language: str, actor: str, *, number_id: int | None = None
) -> WrittenTemplate:
    """Submit what is written of a template; Meta reviews it.

    Raises DefinitionError if Meta would refuse it, OperatorError if there is nothing to submit, if it may not be edited now, or
    with Meta's reason if Meta refuses it. What is written stays then.
    """
    submission = _begin(rt, name, language, number_id)
    with template_admin(rt, submission.account) as graph:
        listed = found_at_meta(graph, submission) if submission.was_lost and submission.has_text else None
        is_adopted = listed is not None
        if listed is None:
            body = _with_handles(rt, graph, submission, actor)
            try:
                listed = _call_meta(graph, submission, body)
            except GraphError as error:
                listed = _after_refusal(rt, graph, submission, error, actor)
                is_adopted = True
    _store_answer(rt, submission, listed, actor, is_adopted=is_adopted)
    return reread_template(rt, submission.account, submission.template_id)


@retry_conflicts
def _begin(rt: Runtime, name: str, language: str, number_id: int | None) -> Submission:
    """Check everything and commit the intent."""
    now = utcnow()
    with rt.database.write() as session:
        account = account_of(session, number_id)
        template = stored_template(session, account.pk, name, language)
        draft = session.get(TemplateDraft, template.id)
        if draft is None or draft.state is DraftState.SUBMITTED:
            raise OperatorError(
                "template {name} ({language}): nothing is written that Meta does not have; it is {status}",
                name=name, language=language, status=template.status,
            )  # fmt: skip
        (check_written(rt, draft.definition) if draft.has_text else check_template_json(draft.definition)).valid()
        was_lost = draft.state is DraftState.SUBMITTING and draft.state_at <= now - SUBMISSION_IS_LOST
        if template.status != DRAFT:
            _check_edit(rt, session, template, draft, now)
        elif (until := name_blocked_until(session, template.id, now)) is not None:
            problems = Problems()
            at = zoned(until, rt.settings.time_zone)
            problems.add("name", "an approved template of this name was deleted; Meta keeps the name until {at}", at=at)
            raise DefinitionError("{problems}", problems=tuple(problems))
        elif (next_at := next_creation(session, account.pk, now)) is not None:
            raise OperatorError(
                "Meta takes 100 new templates of an account in an hour; the next one at {at}",
                at=zoned(next_at, rt.settings.time_zone),
            )
        rt.vault.decrypt(account.token)  # a token that cannot be read is said before anything is noted
        if not claim_submission(session, template.id, now):
            raise OperatorError(
                "template {name} ({language}): it is being submitted; look again in a moment",
                name=name,
                language=language,
            )
        return Submission(
            template.id, template.meta_id, name, language, template.status, template.category,
            copy.deepcopy(template.components), copy.deepcopy(draft.definition), account, was_lost, draft.has_text,
        )  # fmt: skip


def _check_edit(rt: Runtime, session: Session, template: Template, draft: TemplateDraft, now: datetime) -> None:
    named = {"name": template.name, "language": template.language}
    if template.status not in EDITABLE:
        raise OperatorError(
            "template {name} ({language}): it is {status} at Meta, which takes edits of approved, rejected and paused ones only",
            **named, status=template.status,
        )  # fmt: skip
    if not draft.has_text:
        return
    refuse_while_sent(session, [template])
    if template.status != APPROVED:
        return
    left = edits_left(session, template.id, now)
    if left.next_at is not None:
        raise OperatorError(
            "template {name} ({language}): Meta takes one edit of an approved template in 24 hours and 10 in 30 days; the next "
            "one at {at}",
            **named, at=zoned(left.next_at, rt.settings.time_zone),
        )  # fmt: skip


def _with_handles(rt: Runtime, graph: TemplateAdmin, submission: Submission, actor: str) -> dict[str, Any]:
    """The definition with Meta's handles for the samples, which are uploaded now: a handle is valid for a day only."""
    body = copy.deepcopy(submission.definition)
    handles = [handle for _, _, handles in media_headers(body) for handle in handles]
    if not any(str(handle).startswith(PREFIX) for handle in handles):
        return body
    try:
        app_id = app_id_of(rt, graph, submission.account)
        with_handles(body, lambda sample: _upload(rt, graph, app_id, sample))
    except OperatorError as error:
        _store_refusal(rt, submission, error, actor)
        raise OperatorError(
            "template {name} ({language}): the sample was not uploaded: {error}; what is written stays",
            name=submission.name, language=submission.language, error=error,
        ) from error  # fmt: skip
    return body


def _call_meta(graph: TemplateAdmin, submission: Submission, body: dict[str, Any]) -> dict[str, Any]:
    """Call Meta; returns what is known of the template then, as its list has it."""
    if submission.is_new:
        answer = graph.create_template(submission.account.waba_id, body)
        return as_listed(submission, body, answer)
    changes = changes_of(submission, body)
    graph.edit_template(str(submission.meta_id), changes)
    is_reviewed = "components" in changes or "category" in changes
    answer = {"id": submission.meta_id, "status": "PENDING" if is_reviewed else submission.status}
    return as_listed(submission, body, answer)


def _upload(rt: Runtime, graph: TemplateAdmin, app_id: str, sample: str) -> str:
    with open_sample(rt, sample) as medium:
        return graph.upload_sample(app_id, medium.name, medium.mime_type, medium.file.read())


def _after_refusal(
    rt: Runtime, graph: TemplateAdmin, submission: Submission, error: GraphError, actor: str
) -> dict[str, Any]:
    """What Meta has after all, where an earlier call or this one came through. Else raises the refusal, with the draft kept."""
    is_unclear = error.code is None
    if is_unclear or error.is_transient or error.subcode == EXISTS:
        try:
            listed = found_at_meta(graph, submission)
        except GraphError:
            listed = None
        if listed is not None:
            return listed
    if is_unclear:  # it may still arrive: the next submission looks at Meta first
        raise OperatorError(
            "template {name} ({language}): no answer of Meta's came ({error}); what is written stays: submit it again in "
            "{minutes} minutes, and Hark looks first whether Meta has it",
            name=submission.name, language=submission.language, error=error, minutes=SUBMISSION_IS_LOST.seconds // 60,
        ) from error  # fmt: skip
    _store_refusal(rt, submission, error, actor)
    raise OperatorError(
        "template {name} ({language}): {error}; what is written stays", name=submission.name,
        language=submission.language, error=error,
    ) from error  # fmt: skip


@retry_conflicts
def _store_refusal(rt: Runtime, submission: Submission, error: OperatorError, actor: str) -> None:
    now = utcnow()
    with rt.database.write() as session:
        template = session.get(Template, submission.template_id)
        if template is None:
            return
        end_submission(session, template.id, DraftState.WRITTEN, now)
        reason = META_SAYS(said=error.text).stored()
        record_event(session, template, TemplateEventKind.REFUSED, now, actor, before=template.status, reason=reason)


@retry_conflicts
def _store_answer(rt: Runtime, submission: Submission, listed: dict[str, Any], actor: str, *, is_adopted: bool) -> None:
    now = utcnow()
    with rt.database.write() as session:
        template = session.get(Template, submission.template_id, with_for_update=True, populate_existing=True)
        if template is None:
            raise OperatorError(
                "template {name} ({language}): it was removed here meanwhile; Meta has it: flask templates sync",
                name=submission.name, language=submission.language,
            )  # fmt: skip
        # A webhook or a reading may have brought Meta's verdict already: it is newer than its answer to the submission.
        is_judged = template.meta_id == listed["id"] and template.status not in {DRAFT, submission.status}
        status, status_at = template.status, template.status_at
        fill_template(template, listed, now)
        template.status_at = now
        if is_judged:
            template.status, template.status_at = status, status_at
        if not submission.is_new and template.status != APPROVED:
            pause_its_campaigns(session, template, now)
        end_submission(session, template.id, DraftState.SUBMITTED, now)
        kind = TemplateEventKind.SUBMITTED if submission.is_new else TemplateEventKind.EDIT_SUBMITTED
        if is_adopted:
            record_event(session, template, TemplateEventKind.ADOPTED, now, actor, after=template.status)
        before = submission.status if submission.has_text else None
        record_event(session, template, kind, now, actor, before=before, after=template.status)
        record_audit(
            session, now, actor, AuditAction.SUBMIT, "template", template.id, name=template.name, language=template.language,
            status=template.status,
        )  # fmt: skip
