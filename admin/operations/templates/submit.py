"""Submits a draft, or a pending edit, to Meta.

The intent is committed first, Meta is called outside of any transaction, then her answer is stored. Where the process dies or the
answer is lost in between, the next submission looks at Meta before it calls her again.
"""

import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from admin.operations.templates.accounts import (
    Account,
    account_of,
    app_id_of,
    stored_template,
    template_admin,
)
from admin.operations.templates.drafts import WrittenTemplate, check_written, same_text
from admin.operations.templates.reread import reread_template
from admin.operations.templates.samples import PREFIX, media_headers, open_sample, with_handles
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
from models.templates.definition.problems import DefinitionError, Problems
from models.templates.drafts import SUBMISSION_IS_LOST, claim_submission, end_submission
from models.templates.life import APPROVED, DRAFT, EDITABLE, edits_left, name_blocked_until, record_event

_OWN_FIELDS = (
    "message_send_ttl_seconds",
    "cta_url_link_tracking_opted_out",
    "optimization_spec",
    "degrees_of_freedom_spec",
)
"""What an edit may change besides components and category (docs/meta.md §5.3)."""


@dataclass(frozen=True, slots=True)
class _Submission:
    """What is to be submitted. `status` is the template's before it; `was_lost`: an earlier call got no answer."""

    template_id: int
    meta_id: str | None
    name: str
    language: str
    status: str
    category: str
    components: list[Any]
    definition: dict[str, Any]
    account: Account
    was_lost: bool

    @property
    def is_new(self) -> bool:
        """Whether Meta does not have the template yet."""
        return self.status == DRAFT or self.meta_id is None

    @property
    def is_price_alone(self) -> bool:
        """Whether it is an edit that leaves the text as it is: of the max price, or the time to live."""
        return not self.is_new and same_text(self.definition.get("components"), self.components)


def submit_template(
    rt: Runtime, name: str, language: str, actor: str, *, number_id: int | None = None
) -> WrittenTemplate:
    """Submit what is written of a template; Meta reviews it.

    Raises DefinitionError if Meta would refuse it, OperatorError if there is nothing to submit, if it may not be edited now, or
    with Meta's reason if she refuses it. What is written stays then.
    """
    submission = _begin(rt, name, language, number_id)
    with template_admin(rt, submission.account) as graph:
        listed = _found_at_meta(graph, submission) if submission.was_lost and not submission.is_price_alone else None
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
def _begin(rt: Runtime, name: str, language: str, number_id: int | None) -> _Submission:
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
        check_written(rt, draft.definition).valid()
        was_lost = draft.state is DraftState.SUBMITTING and draft.state_at <= now - SUBMISSION_IS_LOST
        if template.status != DRAFT:
            _check_edit(rt, session, template, draft.definition, now)
        elif (until := name_blocked_until(session, template.id, now)) is not None:
            problems = Problems()
            at = zoned(until, rt.settings.time_zone)
            problems.add("name", "an approved template of this name was deleted; Meta keeps the name until {at}", at=at)
            raise DefinitionError("{problems}", problems=tuple(problems))
        if not claim_submission(session, template.id, now):
            raise OperatorError(
                "template {name} ({language}): it is being submitted; look again in a moment",
                name=name,
                language=language,
            )
        return _Submission(
            template.id, template.meta_id, name, language, template.status, template.category,
            copy.deepcopy(template.components), copy.deepcopy(draft.definition), account, was_lost,
        )  # fmt: skip


def _check_edit(rt: Runtime, session: Session, template: Template, definition: dict[str, Any], now: datetime) -> None:
    named = {"name": template.name, "language": template.language}
    if template.status not in EDITABLE:
        raise OperatorError(
            "template {name} ({language}): it is {status} at Meta, who takes edits of approved, rejected and paused ones only",
            **named, status=template.status,
        )  # fmt: skip
    if template.status != APPROVED or same_text(definition.get("components"), template.components):
        return
    left = edits_left(session, template.id, now)
    if left.next_at is not None:
        raise OperatorError(
            "template {name} ({language}): Meta takes one edit of an approved template in 24 hours and 10 in 30 days; the next "
            "one at {at}",
            **named, at=zoned(left.next_at, rt.settings.time_zone),
        )  # fmt: skip


def _with_handles(rt: Runtime, graph: TemplateAdmin, submission: _Submission, actor: str) -> dict[str, Any]:
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


def _call_meta(graph: TemplateAdmin, submission: _Submission, body: dict[str, Any]) -> dict[str, Any]:
    """Call Meta; returns what is known of the template then, as her list has it."""
    if submission.is_new:
        answer = graph.create_template(submission.account.waba_id, body)
        return _listed(submission, body, answer)
    changes = _changes(submission, body)
    graph.edit_template(str(submission.meta_id), changes)
    is_reviewed = "components" in changes or "category" in changes
    answer = {"id": submission.meta_id, "status": "PENDING" if is_reviewed else submission.status}
    return _listed(submission, body, answer)


def _upload(rt: Runtime, graph: TemplateAdmin, app_id: str, sample: str) -> str:
    with open_sample(rt, sample) as medium:
        return graph.upload_sample(app_id, medium.name, medium.mime_type, medium.file.read())


def _changes(submission: _Submission, body: dict[str, Any]) -> dict[str, Any]:
    changes = {key: body[key] for key in _OWN_FIELDS if key in body}
    if not same_text(body.get("components"), submission.components) or not changes:
        changes["components"] = body.get("components", [])
    category = str(body.get("category") or submission.category)
    if category != submission.category or "cta_url_link_tracking_opted_out" in changes:
        changes["category"] = category
    return changes


def _listed(submission: _Submission, body: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """Meta's answer in the form of her list. Raises GraphError if it has no id."""
    if not isinstance(answer.get("id"), str | int) or not str(answer["id"]).isdigit():
        raise GraphError("Meta took the template and gave it no id", is_transient=True)
    return {
        "id": str(answer["id"]),
        "name": submission.name,
        "language": submission.language,
        "status": answer.get("status") or "PENDING",
        "category": answer.get("category") or body.get("category") or submission.category,
        "parameter_format": body.get("parameter_format"),
        "components": submission.definition.get("components") or submission.components,
    }


def _found_at_meta(graph: TemplateAdmin, submission: _Submission) -> dict[str, Any] | None:
    """The template as Meta lists it, if it says what was submitted; for a new one from the library, if it is there."""
    for item in graph.templates(submission.account.waba_id, submission.name):
        if item.get("language") == submission.language:
            components = submission.definition.get("components")
            is_ours = components is None or same_text(item.get("components"), components)
            return item if is_ours or (submission.is_new and submission.was_lost) else None
    return None


def _after_refusal(
    rt: Runtime, graph: TemplateAdmin, submission: _Submission, error: GraphError, actor: str
) -> dict[str, Any]:
    """What Meta has after all, where an earlier call or this one came through. Else raises the refusal, with the draft kept."""
    is_unclear = error.code is None
    if is_unclear or error.is_transient or error.subcode == EXISTS:
        try:
            listed = _found_at_meta(graph, submission)
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
def _store_refusal(rt: Runtime, submission: _Submission, error: OperatorError, actor: str) -> None:
    now = utcnow()
    with rt.database.write() as session:
        template = session.get(Template, submission.template_id)
        if template is None:
            return
        end_submission(session, template.id, DraftState.WRITTEN, now)
        reason = META_SAYS(said=error.text).stored()
        record_event(session, template, TemplateEventKind.REFUSED, now, actor, before=template.status, reason=reason)


@retry_conflicts
def _store_answer(
    rt: Runtime, submission: _Submission, listed: dict[str, Any], actor: str, *, is_adopted: bool
) -> None:
    now = utcnow()
    with rt.database.write() as session:
        template = session.get(Template, submission.template_id, with_for_update=True, populate_existing=True)
        if template is None:
            raise OperatorError(
                "template {name} ({language}): it was removed here meanwhile; Meta has it: flask templates sync",
                name=submission.name, language=submission.language,
            )  # fmt: skip
        # A webhook or a reading may have brought Meta's verdict already: it is newer than her answer to the submission.
        is_judged = template.meta_id == listed["id"] and template.status not in {DRAFT, submission.status}
        status, status_at = template.status, template.status_at
        fill_template(template, listed, now)
        template.status_at = now
        if is_judged:
            template.status, template.status_at = status, status_at
        end_submission(session, template.id, DraftState.SUBMITTED, now)
        kind = TemplateEventKind.SUBMITTED if submission.is_new else TemplateEventKind.EDIT_SUBMITTED
        if is_adopted:
            record_event(session, template, TemplateEventKind.ADOPTED, now, actor, after=template.status)
        is_price_alone = not submission.is_new and same_text(
            submission.definition.get("components"), submission.components
        )
        before = None if is_price_alone else submission.status
        record_event(session, template, kind, now, actor, before=before, after=template.status)
        record_audit(
            session, now, actor, AuditAction.SUBMIT, "template", template.id, name=template.name, language=template.language,
            status=template.status,
        )  # fmt: skip
