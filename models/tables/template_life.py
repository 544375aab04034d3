"""Stores how templates are written here (drafts, pending edits) and what became of them (the life line)."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, BigId, word


class DraftState(StrEnum):
    """Where a definition stands on its way to Meta."""

    WRITTEN = "written"
    """It differs from what Meta has, or Meta has nothing yet."""
    SUBMITTING = "submitting"
    """Meta is being called. One that stays so is looked for at Meta: the answer was lost."""
    SUBMITTED = "submitted"
    """Meta has it."""


class TemplateDraft(Base):
    """The definition of a template as it was last written here, by its template."""

    __tablename__ = "template_draft"

    template_id: Mapped[int] = mapped_column(ForeignKey("template.id", ondelete="CASCADE"), primary_key=True)
    definition: Mapped[dict[str, Any]]
    """Meta's JSON. A header's sample is Meta's handle, or names a file that is stored here (models.templates.samples)."""
    has_text: Mapped[bool] = mapped_column(default=True)
    """Whether its components, samples among them, differ from what Meta has; else only a time to live or a max price does."""
    state: Mapped[DraftState] = mapped_column(word(DraftState, "state", grows=True), default=DraftState.WRITTEN)
    state_at: Mapped[datetime]
    written_at: Mapped[datetime]
    written_by: Mapped[str] = mapped_column(String(254))


class TemplateEventKind(StrEnum):
    """What happened to a template."""

    CREATED = "created"
    EDITED = "edited"
    """Its draft, or a pending edit; Meta knows nothing of it."""
    SUBMITTED = "submitted"
    """For the first time: `after` is Meta's status."""
    EDIT_SUBMITTED = "edit_submitted"
    """`before` is the status that it had: edits of approved ones are counted."""
    REFUSED = "refused"
    """Meta took neither template nor edit."""
    ADOPTED = "adopted"
    """Meta had it already: the answer to an earlier submission was lost."""
    DISCARDED = "discarded"
    """A pending edit was dropped."""
    STATUS = "status"
    CATEGORY = "category"
    CATEGORY_ANNOUNCED = "category_announced"
    """Meta will make it `after`."""
    QUALITY = "quality"
    TEXT = "text"
    """Meta changed the text, or somebody did in WhatsApp Manager."""
    DELETED = "deleted"
    UNPAUSED = "unpaused"


class TemplateEvent(Base):
    """One event in the life of a template: appended, never changed."""

    __tablename__ = "template_event"
    __table_args__ = (Index("ix_template_event_life", "template_id", "at", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    template_id: Mapped[int] = mapped_column(ForeignKey("template.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    kind: Mapped[TemplateEventKind] = mapped_column(word(TemplateEventKind, "kind", grows=True))
    before: Mapped[str | None] = mapped_column(String(64))
    after: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str | None] = mapped_column(Text)
    """Meta's reason: one of its words (docs/meta.md §5.5), or a stored text with its sentence."""
    actor: Mapped[str] = mapped_column(String(254))
    """As in the audit: an e-mail, `cli`, `meta`."""
