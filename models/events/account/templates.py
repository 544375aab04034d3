"""Applies template events (docs/meta.md §7.7).

A status that forbids sending is stored at once, and pauses the template's campaigns. A status that allows it again only has the
template read from Meta: no campaign resumes because of a webhook.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from models.campaigns.cohort_pause import pause_for_template
from models.campaigns.pause import MARGIN
from models.campaigns.template_changes import RED, pause_for_quality, reason_of_status
from models.events.account.update import AccountUpdate, is_newer, meta_enums, operator_text
from models.stored_texts import META_SAYS, TEMPLATE_CATEGORY, TEMPLATE_CHANGED, TEMPLATE_TAKEN_AWAY
from models.tables.audit import META, AuditAction
from models.tables.campaign import PauseReason
from models.tables.template import Template
from models.tables.template_life import TemplateEventKind
from models.templates.life import TemplateState, record_changes, record_event

SENDABLE = frozenset({"APPROVED", "REINSTATED", "UNARCHIVED"})
UNSENDABLE = frozenset(
    {
        "PENDING", "REJECTED", "PAUSED", "DISABLED", "IN_APPEAL", "PENDING_DELETION", "DELETED", "LIMIT_EXCEEDED", "LOCKED",
        "ARCHIVED",
    }
)  # fmt: skip


def template_status(session: Session, update: AccountUpdate) -> None:
    """Apply a new status. Meta also sends quality changes under this field, which have the key `new_quality_score`."""
    if "new_quality_score" in update.value:
        template_quality(session, update)
        return
    template = _find_template(session, update)
    status = update.word("event")
    if template is None:
        return
    update.result.templates_of.add(update.waba.id)
    if status == "FLAGGED" or status not in SENDABLE | UNSENDABLE:
        if status:
            record_event(session, template, TemplateEventKind.STATUS, update.at, META, after=status[:64])
        _audit(session, update, template, AuditAction.TEMPLATE_NOTICE, event=status)
        return
    is_tie = update.at == template.status_at and status in UNSENDABLE and template.status != status
    if not (_is_new(update, template, template.status_at) or is_tie):
        return
    template.status_at = update.at
    reason, description = operator_text(update.value.get("reason")), _description(update)
    if status in UNSENDABLE:
        before, template.status = TemplateState.of(template), status
        if status == "REJECTED":
            template.rejected_reason = reason or None
        record_changes(session, template, before, update.at, META, description)
        detail = META_SAYS(said=description) if description else TEMPLATE_TAKEN_AWAY(**_named(template), status=status)
        pause_for_template(session, template.id, reason_of_status(status), detail, update.now)
    _audit(session, update, template, AuditAction.TEMPLATE_STATUS, event=status, reason=reason, description=description)


def template_quality(session: Session, update: AccountUpdate) -> None:
    """Store a new quality, which the panel shows and the preflight may warn about. Red pauses the template's campaigns."""
    template = _find_template(session, update)
    quality = update.word("new_quality_score")
    if template is None or not quality or not _is_new(update, template, template.quality_at):
        return
    before, template.quality, template.quality_at = TemplateState.of(template), quality[:16], update.at
    record_changes(session, template, before, update.at, META)
    if quality == RED:
        pause_for_quality(session, template, update.now)
    _audit(session, update, template, AuditAction.TEMPLATE_QUALITY, before=before.quality, after=template.quality)


def template_components(session: Session, update: AccountUpdate) -> None:
    """Meta changed the text: pause the template's campaigns, and have the template read again before it is sent."""
    template = _find_template(session, update)
    if template is None:
        return
    last_change = max((at for at in (template.stale_at, template.synced_at) if at is not None), default=None)
    if not is_newer(update.at, last_change):
        return
    template.stale_at = update.at
    update.result.templates_of.add(update.waba.id)
    record_event(session, template, TemplateEventKind.TEXT, update.at, META)
    detail = TEMPLATE_CHANGED(**_named(template))
    pause_for_template(session, template.id, PauseReason.TEMPLATE_CHANGED, detail, update.now)
    _audit(session, update, template, AuditAction.TEMPLATE_TEXT_CHANGED)


def template_category(session: Session, update: AccountUpdate) -> None:
    """Apply a changed category, or store an announced one. In an announcement `new_category` is the current one."""
    template = _find_template(session, update)
    category, correct = update.word("new_category"), update.word("correct_category")
    if template is None or not _is_new(update, template, template.category_at):
        return
    template.category_at = update.at
    update.result.templates_of.add(update.waba.id)
    if correct:
        template.correct_category = correct[:32]
        kind = TemplateEventKind.CATEGORY_ANNOUNCED
        record_event(session, template, kind, update.at, META, before=template.category, after=correct[:64])
        _audit(session, update, template, AuditAction.TEMPLATE_CATEGORY_ANNOUNCED, present=category, coming=correct)
        return
    before, template.correct_category = template.category, None
    if category and category != before:
        state, template.category = TemplateState.of(template), category[:32]
        record_changes(session, template, state, update.at, META)
        detail = TEMPLATE_CATEGORY(**_named(template), category=category, before=before)
        pause_for_template(session, template.id, PauseReason.TEMPLATE_CHANGED, detail, update.now)
    _audit(session, update, template, AuditAction.TEMPLATE_CATEGORY, before=before, after=category)


def _description(update: AccountUpdate) -> str:
    """Meta's sentence about a status: why she paused the template, or what she recommends after a rejection."""
    for name, key in (("other_info", "description"), ("rejection_info", "recommendation")):
        info = update.value.get(name)
        if isinstance(info, dict) and (said := operator_text(info.get(key))):
            return said
    return ""


def _named(template: Template) -> dict[str, str]:
    return {"name": template.name, "language": template.language}


def _is_new(update: AccountUpdate, template: Template, applied_at: datetime | None) -> bool:
    """Whether the event is newer than the applied one and than Meta's list as read; for an older one the list is read again."""
    if template.synced_at is not None and update.at <= template.synced_at - MARGIN:
        update.result.templates_of.add(update.waba.id)
        return False
    return is_newer(update.at, applied_at)


def _find_template(session: Session, update: AccountUpdate) -> Template | None:
    """Return the template by Meta's id, else by name and language, which webhooks write with a hyphen.

    An unknown template is recorded in the audit, and the account's templates are read from Meta.
    """
    value = update.value
    name, language = value.get("message_template_name"), value.get("message_template_language")
    is_template: Any = Template.meta_id == str(value.get("message_template_id"))
    if isinstance(name, str) and isinstance(language, str):
        is_language = func.lower(Template.language) == language.replace("-", "_").lower()
        is_template = or_(is_template, (Template.name == name) & is_language)
    template = session.scalars(
        select(Template)
        .where(Template.waba_id == update.waba.id, is_template)
        .order_by((Template.meta_id == str(value.get("message_template_id"))).desc(), Template.id)
        .limit(1)
        .with_for_update(),
        execution_options={"populate_existing": True},
    ).first()
    if template is None:
        update.result.templates_of.add(update.waba.id)
        detail = {"name": operator_text(name), "language": operator_text(language), "said": meta_enums(value)}
        update.audit(session, AuditAction.UNKNOWN_TEMPLATE, "waba", update.waba.id, field=update.change.field, **detail)
    return template


def _audit(session: Session, update: AccountUpdate, template: Template, action: AuditAction, **detail: Any) -> None:
    update.audit(session, action, "template", template.id, name=template.name, language=template.language, **detail)
