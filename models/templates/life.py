"""The life of a template: what happened to it, and how often it may still be edited (docs/meta.md §5.3, §5.5)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from models.stored_texts import META_SAYS
from models.tables.template import Template
from models.tables.template_life import DraftState, TemplateDraft, TemplateEvent, TemplateEventKind

DRAFT = "DRAFT"
"""The status of a template that Meta does not have yet; Meta has no such status."""
APPROVED = "APPROVED"
EDITABLE = ("APPROVED", "REJECTED", "PAUSED")
"""The statuses in which Meta takes an edit."""
DAY, MONTH = timedelta(hours=24), timedelta(days=30)
EDITS_PER_DAY, EDITS_PER_MONTH = 1, 10
"""Of an approved template; rejected and paused ones have no limit."""
CREATIONS_PER_HOUR = 100
"""Of new templates of one account."""
NAME_IS_BLOCKED = timedelta(days=30)
"""How long Meta keeps the name of an approved template that was deleted."""


@dataclass(frozen=True, slots=True)
class EditsLeft:
    """How often an approved template may still be edited. `next_at` is when it may be, None for now."""

    today: int
    this_month: int
    next_at: datetime | None


def record_event(
    session: Session,
    template: Template,
    kind: TemplateEventKind,
    at: datetime,
    actor: str,
    *,
    before: str | None = None,
    after: str | None = None,
    reason: str | None = None,
) -> None:
    """Add an event to the life of the template."""
    session.add(
        TemplateEvent(
            template_id=template.id, at=at, kind=kind, before=before, after=after, reason=reason or None, actor=actor
        )
    )


def record_changes(
    session: Session, template: Template, before: "TemplateState", at: datetime, actor: str, description: str = ""
) -> None:
    """Add an event for each of status, category and quality that is another than `before`.

    `description` is Meta's sentence about the status.
    """
    after = TemplateState.of(template)
    if after.status != before.status:
        word = (template.rejected_reason or "") if after.status == "REJECTED" else ""
        said = ": ".join(part for part in (word, description) if part)
        reason = META_SAYS(said=said).stored() if description else word
        record_event(
            session,
            template,
            TemplateEventKind.STATUS,
            at,
            actor,
            before=before.status,
            after=after.status,
            reason=reason,
        )
    for kind, old, new in (
        (TemplateEventKind.CATEGORY, before.category, after.category),
        (TemplateEventKind.QUALITY, before.quality, after.quality),
    ):
        if old != new and old is not None:
            record_event(session, template, kind, at, actor, before=old, after=new)


@dataclass(frozen=True, slots=True)
class TemplateState:
    """What of a template Meta changes by itself. All None for a template that was not there."""

    status: str | None = None
    category: str | None = None
    quality: str | None = None

    @classmethod
    def of(cls, template: Template) -> "TemplateState":
        """The state as the row has it."""
        return cls(template.status, template.category, template.quality)


def life_of(session: Session, template_id: int, limit: int = 100) -> list[TemplateEvent]:
    """The newest events of a template, newest first."""
    query = select(TemplateEvent).where(TemplateEvent.template_id == template_id)
    return list(session.scalars(query.order_by(TemplateEvent.at.desc(), TemplateEvent.id.desc()).limit(limit)))


def edits_left(session: Session, template_id: int, now: datetime) -> EditsLeft:
    """How often an approved template may still be edited, counted from the edits that Hark submitted.

    Meta has no field for it; edits in WhatsApp Manager count at Meta and are not known here.
    """
    edits = list(
        session.scalars(
            select(TemplateEvent.at)
            .where(
                TemplateEvent.template_id == template_id,
                TemplateEvent.kind == TemplateEventKind.EDIT_SUBMITTED,
                TemplateEvent.before == APPROVED,
                TemplateEvent.at > now - MONTH,
            )
            .order_by(TemplateEvent.at.desc())
        )
    )
    of_today = [at for at in edits if at > now - DAY]
    free_at = [edits[EDITS_PER_MONTH - 1] + MONTH] if len(edits) >= EDITS_PER_MONTH else []
    free_at += [of_today[EDITS_PER_DAY - 1] + DAY] if len(of_today) >= EDITS_PER_DAY else []
    return EditsLeft(
        max(0, EDITS_PER_DAY - len(of_today)), max(0, EDITS_PER_MONTH - len(edits)), max(free_at, default=None)
    )


def next_creation(session: Session, waba_pk: int, now: datetime) -> datetime | None:
    """When Meta takes the next new template of an account; None for now."""
    query = (
        select(TemplateEvent.at)
        .join(Template, Template.id == TemplateEvent.template_id)
        .where(
            Template.waba_id == waba_pk,
            TemplateEvent.kind == TemplateEventKind.SUBMITTED,
            TemplateEvent.at > now - timedelta(hours=1),
        )
        .order_by(TemplateEvent.at.desc())
        .offset(CREATIONS_PER_HOUR - 1)
        .limit(1)
    )
    oldest = session.scalars(query).first()
    return oldest + timedelta(hours=1) if oldest is not None else None


def name_blocked_until(session: Session, template_id: int, now: datetime) -> datetime | None:
    """Until when Meta keeps the name of a template that was approved when it was deleted; None if it is free."""
    event = session.scalars(
        select(TemplateEvent)
        .where(
            TemplateEvent.template_id == template_id,
            TemplateEvent.kind == TemplateEventKind.DELETED,
            TemplateEvent.before == APPROVED,
            TemplateEvent.at > now - NAME_IS_BLOCKED,
        )
        .order_by(TemplateEvent.at.desc())
        .limit(1)
    ).first()
    return event.at + NAME_IS_BLOCKED if event is not None else None


def pending_draft(session: Session, template_id: int) -> TemplateDraft | None:
    """What is written here and not yet at Meta: the draft of a new template, or an edit; None if there is nothing."""
    draft = session.get(TemplateDraft, template_id)
    return draft if draft is not None and draft.state is not DraftState.SUBMITTED else None


def forget_template(session: Session, template_id: int) -> None:
    """Delete a template that Meta never had, with its draft and its life."""
    for table in (TemplateEvent, TemplateDraft):
        session.execute(delete(table).where(table.template_id == template_id))
    session.execute(delete(Template).where(Template.id == template_id))
