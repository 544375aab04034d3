"""Deletes a template here and at Meta, in one language or all, and lifts Meta's pause."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.operations.templates.accounts import Account, account_of, stored_template, template_admin
from admin.operations.templates.drafts import WrittenTemplate
from admin.operations.templates.in_use import pause_its_campaigns, refuse_while_sent
from admin.operations.templates.reread import reread_template
from bot.meta.management import GraphError
from bot.meta.template_admin import NOT_FOUND
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.errors import OperatorError
from models.stored_texts import META_SAYS
from models.tables.audit import AuditAction, record_audit
from models.tables.template import Template
from models.tables.template_life import TemplateEventKind
from models.templates.drafts import remove_draft
from models.templates.life import DRAFT, record_event


@dataclass(frozen=True, slots=True)
class DeletedTemplates:
    """The languages that were deleted; `drafts` are those that Meta never had."""

    name: str
    languages: tuple[str, ...]
    drafts: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {"name": self.name, "languages": list(self.languages), "drafts": list(self.drafts)}


def delete_template(
    rt: Runtime, name: str, language: str | None, actor: str, *, number_id: int | None = None
) -> DeletedTemplates:
    """Delete a template in one language, or in all (`language` None). Meta keeps the name of an approved one for 30 days.

    Raises OperatorError if there is no such template, and with Meta's reason if Meta refuses; then nothing is deleted.
    """
    account, at_meta, drafts = _chosen(rt, name, language, number_id)
    if at_meta:
        ids = None if language is None else list(at_meta.values())
        with template_admin(rt, account) as graph:
            try:
                graph.delete_template(account.waba_id, name, ids)
            except GraphError as error:
                if error.subcode != NOT_FOUND:  # it is gone already: an earlier deletion whose answer was lost
                    raise OperatorError("template {name}: {error}", name=name, error=error) from error
    _store_deletion(rt, account, name, [*at_meta, *drafts], actor)
    return DeletedTemplates(name, (*at_meta, *drafts), tuple(drafts))


def _chosen(
    rt: Runtime, name: str, language: str | None, number_id: int | None
) -> tuple[Account, dict[str, str], list[str]]:
    """The account, Meta's ids of the languages that Meta has, and the languages of drafts."""
    with rt.database.read() as session:
        account = account_of(session, number_id)
        if language is not None:
            templates = [stored_template(session, account.pk, name, language)]
        else:
            templates = _languages_of(session, account.pk, name)
        if not templates:
            raise OperatorError("template {name}: there is no such template; see flask templates list", name=name)
        refuse_while_sent(session, templates)
        at_meta = {row.language: row.meta_id for row in templates if row.status != DRAFT and row.meta_id}
        return account, at_meta, [row.language for row in templates if row.language not in at_meta]


def _languages_of(session: Session, waba_pk: int, name: str) -> list[Template]:
    query = select(Template).where(Template.waba_id == waba_pk, Template.name == name, Template.missing_at.is_(None))
    return list(session.scalars(query.order_by(Template.language)))


@retry_conflicts
def _store_deletion(rt: Runtime, account: Account, name: str, languages: list[str], actor: str) -> None:
    now = utcnow()
    with rt.database.write() as session:
        for template in _languages_of(session, account.pk, name):
            if template.language not in languages:
                continue
            record_audit(
                session, now, actor, AuditAction.DELETE, "template", template.id, name=name, language=template.language
            )
            if template.status == DRAFT or template.meta_id is None:
                remove_draft(session, template, now)
                continue
            record_event(
                session, template, TemplateEventKind.DELETED, now, actor, before=template.status, after="DELETED"
            )
            template.status, template.status_at, template.missing_at = "DELETED", now, now
            pause_its_campaigns(session, template, now)


def unpause_template(
    rt: Runtime, name: str, language: str, actor: str, *, number_id: int | None = None
) -> WrittenTemplate:
    """Lift Meta's pause of a template. Raises OperatorError if it is not paused, or with Meta's reason if Meta refuses."""
    with rt.database.read() as session:
        account = account_of(session, number_id)
        template = stored_template(session, account.pk, name, language)
    if template.status != "PAUSED" or template.meta_id is None:
        raise OperatorError(
            "template {name} ({language}): it is {status}, not paused",
            name=name,
            language=language,
            status=template.status,
        )
    with template_admin(rt, account) as graph:
        try:
            graph.unpause_template(template.meta_id)
        except GraphError as error:
            _store_unpause(rt, template.id, actor, error)
            raise OperatorError(
                "template {name} ({language}): {error}", name=name, language=language, error=error
            ) from error
    _store_unpause(rt, template.id, actor, None)
    return reread_template(rt, account, template.id)


@retry_conflicts
def _store_unpause(rt: Runtime, template_id: int, actor: str, error: GraphError | None) -> None:
    now = utcnow()
    with rt.database.write() as session:
        template = session.get(Template, template_id, with_for_update=True, populate_existing=True)
        if template is None:
            return
        if error is not None:
            reason = META_SAYS(said=error.text).stored()
            record_event(
                session, template, TemplateEventKind.REFUSED, now, actor, before=template.status, reason=reason
            )
            return
        record_event(session, template, TemplateEventKind.UNPAUSED, now, actor, before=template.status)
        record_audit(
            session,
            now,
            actor,
            AuditAction.UNPAUSE,
            "template",
            template.id,
            name=template.name,
            language=template.language,
        )
