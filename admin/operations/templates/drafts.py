"""Writes templates here: a new one, an edit of one that Meta has, one in another language, and back to nothing."""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from admin.operations.templates.accounts import account_of, stored_template
from admin.operations.templates.samples import keep_files, unknown_samples
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.audit import AuditAction, record_audit
from models.tables.template import Template
from models.tables.template_life import DraftState, TemplateDraft, TemplateEventKind
from models.templates.definition.parse import CheckedDefinition, check_template_json
from models.templates.definition.problems import DefinitionError, Problems
from models.templates.definition.same_text import is_same_text
from models.templates.definition.template import TemplateDefinition
from models.templates.drafts import SUBMISSION_IS_LOST, find_template, remove_draft, write_draft, write_edit
from models.templates.life import APPROVED, DRAFT, record_event


@dataclass(frozen=True, slots=True)
class WrittenTemplate:
    """A template that was written. `status` is its status at Meta, or DRAFT."""

    id: int
    name: str
    language: str
    category: str
    status: str

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "id": self.id, "name": self.name, "language": self.language, "category": self.category, "status": self.status,
        }  # fmt: skip


def check_written(rt: Runtime, data: Any) -> CheckedDefinition:
    """Read a definition's JSON and check it by every rule, that of its samples among them."""
    checked = check_template_json(data)
    if checked.definition is None:
        return checked
    unknown = [] if checked.definition.library_name else unknown_samples(rt, copy.deepcopy(data))
    return CheckedDefinition(checked.definition, (*checked.problems, *unknown))


def create_template(
    rt: Runtime, data: Any, actor: str, *, number_id: int | None = None, files_in: Path | None = None
) -> WrittenTemplate:
    """Store a definition as a draft, or in place of the draft that there is. Meta is not called.

    `files_in`: the directory in which a header's sample may be a path; None where it may not. Raises DefinitionError if Meta would
    refuse it, OperatorError if Meta has such a template already or the account is not clear.
    """
    definition = _valid(rt, data, files_in, actor)
    return _store_draft(rt, definition, actor, number_id)


@retry_conflicts
def _store_draft(rt: Runtime, definition: TemplateDefinition, actor: str, number_id: int | None) -> WrittenTemplate:
    now = utcnow()
    with rt.database.write() as session:
        account = account_of(session, number_id)
        template = write_draft(session, account.pk, definition, now, actor)
        _audit_written(session, template, AuditAction.CREATE, actor)
        return written(template)


def edit_template(
    rt: Runtime, name: str, language: str, data: Any, actor: str, *, number_id: int | None = None
) -> WrittenTemplate:
    """Change a draft, or store an edit of a template that Meta has, which is not submitted yet.

    Raises DefinitionError if Meta would refuse it, OperatorError if there is no such template.
    """
    definition = check_template_json(data).valid()
    return _store_edit(rt, name, language, definition, actor, number_id)


@retry_conflicts
def _store_edit(
    rt: Runtime, name: str, language: str, definition: TemplateDefinition, actor: str, number_id: int | None
) -> WrittenTemplate:
    now = utcnow()
    with rt.database.write() as session:
        account = account_of(session, number_id)
        template = stored_template(session, account.pk, name, language)
        if template.status == DRAFT:
            if (definition.name, definition.language) != (name, language):
                _refuse_taken(session, account.pk, definition)
                remove_draft(session, template, now)
            template = write_draft(session, account.pk, definition, now, actor)
            _refuse_unknown_samples(rt, definition)
        else:
            _check_category(template, definition)
            if write_edit(session, template, definition, now, actor).has_text:
                _refuse_unknown_samples(rt, definition)
        _audit_written(session, template, AuditAction.CHANGE, actor)
        return written(template)


@retry_conflicts
def discard_edit(rt: Runtime, name: str, language: str, actor: str, *, number_id: int | None = None) -> None:
    """Drop the pending edit of a template that Meta has. Raises OperatorError if there is none."""
    now = utcnow()
    with rt.database.write() as session:
        account = account_of(session, number_id)
        template = stored_template(session, account.pk, name, language)
        draft = session.get(TemplateDraft, template.id, with_for_update=True, populate_existing=True)
        is_free = draft is not None and (
            draft.state is DraftState.WRITTEN
            or (draft.state is DraftState.SUBMITTING and draft.state_at <= now - SUBMISSION_IS_LOST)
        )
        if draft is None or template.status == DRAFT or not is_free:
            raise OperatorError(
                "template {name} ({language}): there is no edit that waits", name=name, language=language
            )
        session.delete(draft)
        record_event(session, template, TemplateEventKind.DISCARDED, now, actor)
        _audit_written(session, template, AuditAction.DISCARD, actor)


@retry_conflicts
def duplicate_template(
    rt: Runtime, name: str, language: str, to_language: str, actor: str, *, number_id: int | None = None
) -> WrittenTemplate:
    """Store a draft of the same template in another language, to be translated.

    Raises OperatorError if there is no such template, if the language is no language of Meta's, or if it is there already.
    """
    now = utcnow()
    with rt.database.write() as session:
        account = account_of(session, number_id)
        template = stored_template(session, account.pk, name, language)
        data = definition_of(session, template) | {"language": to_language}
        checked = check_template_json(data)
        wrong = [problem for problem in checked.problems if problem.path == "language"]
        if wrong or checked.definition is None:
            raise DefinitionError("{problems}", problems=wrong or checked.problems)
        _refuse_taken(session, account.pk, checked.definition)
        copied = write_draft(session, account.pk, checked.definition, now, actor)
        _audit_written(session, copied, AuditAction.DUPLICATE, actor)
        return written(copied)


def definition_of(session: Session, template: Template) -> dict[str, Any]:
    """The definition of a template as it is to be edited: what was written here last, else what Meta has."""
    draft = session.get(TemplateDraft, template.id)
    if draft is not None and (
        draft.state is not DraftState.SUBMITTED or is_same_text(draft.definition.get("components"), template.components)
    ):
        return copy.deepcopy(draft.definition)
    return {
        "name": template.name,
        "language": template.language,
        "category": template.category,
        "parameter_format": template.parameter_format,
        "components": copy.deepcopy(template.components),
    }


def written(template: Template) -> WrittenTemplate:
    """What the operations return of a row."""
    return WrittenTemplate(template.id, template.name, template.language, template.category, template.status)


def _valid(rt: Runtime, data: Any, files_in: Path | None, actor: str) -> TemplateDefinition:
    checked = check_template_json(data)
    if checked.definition is None:  # no object, or one that is too deep to be copied
        return checked.valid()
    data = copy.deepcopy(data)
    unreadable = keep_files(rt, data, files_in, actor) if files_in is not None else []
    checked = check_written(rt, data)
    return CheckedDefinition(checked.definition, (*checked.problems, *unreadable)).valid()


def _check_category(template: Template, definition: TemplateDefinition) -> None:
    if template.status == APPROVED and definition.category != template.category:
        problems = Problems()
        problems.add(
            "category",
            "the category of an approved template cannot be changed; it is {category}",
            category=template.category,
        )
        raise DefinitionError("{problems}", problems=tuple(problems))


def _refuse_unknown_samples(rt: Runtime, definition: TemplateDefinition) -> None:
    unknown = unknown_samples(rt, definition.to_json())
    if unknown:
        raise DefinitionError("{problems}", problems=unknown)


def _refuse_taken(session: Session, waba_pk: int, definition: TemplateDefinition) -> None:
    other = find_template(session, waba_pk, definition.name, definition.language)
    if other is not None and other.missing_at is None:
        raise OperatorError(
            "template {name} ({language}): there is one already, {status}",
            name=other.name,
            language=other.language,
            status=other.status,
        )


def _audit_written(session: Session, template: Template, action: AuditAction, actor: str) -> None:
    record_audit(
        session, utcnow(), actor, action, "template", template.id, name=template.name, language=template.language
    )
