"""What Meta says about templates (meta-cloud-api.md 7.7).

A word that takes a template away is believed at once, and its campaigns pause. A word that gives it back only has the template
read from Meta again: nothing goes on because of a webhook.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from models.campaigns.pause import MARGIN, pause_for_template
from models.events.account.update import AccountUpdate, is_newer, meta_enums, operator_text
from models.stored_texts import META_SAYS, TEMPLATE_CATEGORY, TEMPLATE_CHANGED, TEMPLATE_TAKEN_AWAY
from models.tables.audit import AuditAction
from models.tables.campaign import PauseReason
from models.tables.template import Template

SENDABLE = frozenset({"APPROVED", "REINSTATED", "UNARCHIVED"})
TAKEN_AWAY = frozenset(
    {
        "PENDING", "REJECTED", "PAUSED", "DISABLED", "IN_APPEAL", "PENDING_DELETION", "DELETED", "LIMIT_EXCEEDED", "LOCKED",
        "ARCHIVED",
    }
)  # fmt: skip
_REASONS = {"PAUSED": PauseReason.TEMPLATE_PAUSED, "PENDING": PauseReason.TEMPLATE_CHANGED}


def template_status(session: Session, told: AccountUpdate) -> None:
    """A new status. Meta also sends qualities under this field: they are known by their key."""
    if "new_quality_score" in told.value:
        template_quality(session, told)
        return
    template = _find(session, told)
    status = told.word("event")
    if template is None:
        return
    told.result.templates_of.add(told.waba.id)
    if status == "FLAGGED" or status not in SENDABLE | TAKEN_AWAY:
        _audit(session, told, template, AuditAction.TEMPLATE_NOTICE, event=status)
        return
    is_tie = told.at == template.status_at and status in TAKEN_AWAY and template.status != status
    if not (_is_news(told, template, template.status_at) or is_tie):
        return
    template.status_at = told.at
    reason, info = operator_text(told.value.get("reason")), told.value.get("other_info")
    description = operator_text(info.get("description")) if isinstance(info, dict) else ""
    if status in TAKEN_AWAY:
        template.status = status
        if status == "REJECTED":
            template.rejected_reason = reason or None
        detail = META_SAYS(said=description) if description else TEMPLATE_TAKEN_AWAY(**_named(template), status=status)
        pause_for_template(session, template.id, _REASONS.get(status, PauseReason.TEMPLATE_DISABLED), detail, told.now)
    _audit(session, told, template, AuditAction.TEMPLATE_STATUS, event=status, reason=reason, description=description)


def template_quality(session: Session, told: AccountUpdate) -> None:
    """A new quality: shown, and a reason for a warning in the preflight."""
    template = _find(session, told)
    quality = told.word("new_quality_score")
    if template is None or not quality or not _is_news(told, template, template.quality_at):
        return
    before, template.quality, template.quality_at = template.quality, quality[:16], told.at
    _audit(session, told, template, AuditAction.TEMPLATE_QUALITY, before=before, after=template.quality)


def template_components(session: Session, told: AccountUpdate) -> None:
    """Meta changed its text: it is not sent before it was read again."""
    template = _find(session, told)
    if template is None:
        return
    known = max((at for at in (template.stale_at, template.synced_at) if at is not None), default=None)
    if not is_newer(told.at, known):
        return
    template.stale_at = told.at
    told.result.templates_of.add(told.waba.id)
    detail = TEMPLATE_CHANGED(**_named(template))
    pause_for_template(session, template.id, PauseReason.TEMPLATE_CHANGED, detail, told.now)
    _audit(session, told, template, AuditAction.TEMPLATE_TEXT_CHANGED)


def template_category(session: Session, told: AccountUpdate) -> None:
    """A category that changed, or that is going to. In the announcement `new_category` is the present one."""
    template = _find(session, told)
    category, correct = told.word("new_category"), told.word("correct_category")
    if template is None or not _is_news(told, template, template.category_at):
        return
    template.category_at = told.at
    told.result.templates_of.add(told.waba.id)
    if correct:
        template.correct_category = correct[:32]
        _audit(session, told, template, AuditAction.TEMPLATE_CATEGORY_ANNOUNCED, present=category, coming=correct)
        return
    before, template.correct_category = template.category, None
    if category and category != before:
        template.category = category[:32]
        detail = TEMPLATE_CATEGORY(**_named(template), category=category, before=before)
        pause_for_template(session, template.id, PauseReason.TEMPLATE_CHANGED, detail, told.now)
    _audit(session, told, template, AuditAction.TEMPLATE_CATEGORY, before=before, after=category)


def _named(template: Template) -> dict[str, str]:
    return {"name": template.name, "language": template.language}


def _is_news(told: AccountUpdate, template: Template, applied_at: datetime | None) -> bool:
    """Whether it is newer than what was applied. What Meta's own list knew already is not: the list is read once more instead."""
    if template.synced_at is not None and told.at <= template.synced_at - MARGIN:
        told.result.templates_of.add(told.waba.id)
        return False
    return is_newer(told.at, applied_at)


def _find(session: Session, told: AccountUpdate) -> Template | None:
    """By Meta's id, else by name and language, which webhooks write with a hyphen. One that we do not know yet is to be read."""
    value = told.value
    name, language = value.get("message_template_name"), value.get("message_template_language")
    named: Any = Template.meta_id == str(value.get("message_template_id"))
    if isinstance(name, str) and isinstance(language, str):
        is_language = func.lower(Template.language) == language.replace("-", "_").lower()
        named = or_(named, (Template.name == name) & is_language)
    found = session.scalars(
        select(Template)
        .where(Template.waba_id == told.waba.id, named)
        .order_by((Template.meta_id == str(value.get("message_template_id"))).desc(), Template.id)
        .limit(1)
        .with_for_update(),
        execution_options={"populate_existing": True},
    ).first()
    if found is None:
        told.result.templates_of.add(told.waba.id)
        about = {"name": operator_text(name), "language": operator_text(language), "said": meta_enums(value)}
        told.audit(session, AuditAction.UNKNOWN_TEMPLATE, "waba", told.waba.id, field=told.change.field, **about)
    return found


def _audit(session: Session, told: AccountUpdate, template: Template, action: AuditAction, **detail: Any) -> None:
    told.audit(session, action, "template", template.id, name=template.name, language=template.language, **detail)
