"""Keeps what a template said before Meta listed another text for it, and finds what it said at a moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, object_session

from models.tables.former_template import FormerTemplate
from models.tables.template import Template


@dataclass(frozen=True, slots=True)
class TemplateText:
    """What a template says. `until`: when Meta listed another text for it; None: it says so still."""

    category: str
    parameter_format: str
    components: Sequence[Any]
    until: datetime | None = None

    @classmethod
    def of(cls, template: Template) -> "TemplateText":
        """What the template says now."""
        return cls(template.category, template.parameter_format, template.components)


def keep_former_text(template: Template, before: TemplateText, now: datetime) -> None:
    """Store what the template said, if it says something else now. Does nothing for one that is new."""
    session = object_session(template)
    if session is None or template.id is None or TemplateText.of(template) == before:
        return
    session.add(
        FormerTemplate(
            template_id=template.id,
            category=before.category,
            parameter_format=before.parameter_format,
            components=list(before.components),
            replaced_at=now,
        )
    )


def text_at(session: Session, template: Template, at: datetime) -> TemplateText:
    """What the template said at a moment, as far as its changes were kept."""
    query = select(FormerTemplate).where(FormerTemplate.template_id == template.id, FormerTemplate.replaced_at > at)
    former = session.scalar(query.order_by(FormerTemplate.replaced_at, FormerTemplate.id).limit(1))
    if former is None:
        return TemplateText.of(template)
    return TemplateText(former.category, former.parameter_format, former.components, former.replaced_at)
