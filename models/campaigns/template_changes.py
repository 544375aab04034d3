"""Pauses what sends a template when a reading from Meta shows that it changed: an event of it may be lost, or come later."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from models.campaigns.cohort_pause import pause_for_template
from models.stored_texts import TEMPLATE_CATEGORY, TEMPLATE_CHANGED, TEMPLATE_QUALITY_RED, TEMPLATE_TAKEN_AWAY
from models.tables.campaign import PauseReason
from models.tables.template import Template
from models.templates.life import APPROVED

RED = "RED"
_REASONS = {"PAUSED": PauseReason.TEMPLATE_PAUSED, "PENDING": PauseReason.TEMPLATE_CHANGED}


@dataclass(frozen=True, slots=True)
class TemplateReading:
    """What a reading may change of a template that campaigns depend on."""

    status: str
    category: str
    quality: str
    parameter_format: str
    components: Any

    @classmethod
    def of(cls, template: Template) -> "TemplateReading":
        """The template as it stands. Without Meta's examples: their addresses are others at each reading."""
        return cls(
            template.status.upper(),
            template.category.upper(),
            template.quality.upper(),
            template.parameter_format,
            _without_examples(template.components),
        )


def reason_of_status(status: str) -> PauseReason:
    """Why a campaign pauses when Meta gives its template this status, in which it cannot be sent."""
    return _REASONS.get(status.upper(), PauseReason.TEMPLATE_DISABLED)


def pause_for_quality(session: Session, template: Template, now: datetime) -> None:
    """Pause what sends a template that Meta rates red: Meta pauses such templates soon, and each message makes it worse."""
    detail = TEMPLATE_QUALITY_RED(name=template.name, language=template.language)
    pause_for_template(session, template.id, PauseReason.QUALITY, detail, now)


def pause_for_reading(session: Session, template: Template, before: TemplateReading, now: datetime) -> None:
    """Pause what sends the template if it is not the one any more that was approved here. Nothing changed: nothing is paused."""
    after, named = TemplateReading.of(template), {"name": template.name, "language": template.language}
    if before.status == APPROVED and after.status != APPROVED:
        detail = TEMPLATE_TAKEN_AWAY(**named, status=after.status)
        pause_for_template(session, template.id, reason_of_status(after.status), detail, now)
    elif after.category != before.category:
        detail = TEMPLATE_CATEGORY(**named, category=after.category, before=before.category)
        pause_for_template(session, template.id, PauseReason.TEMPLATE_CHANGED, detail, now)
    elif (after.components, after.parameter_format) != (before.components, before.parameter_format):
        pause_for_template(session, template.id, PauseReason.TEMPLATE_CHANGED, TEMPLATE_CHANGED(**named), now)
    elif after.quality == RED and before.quality != RED:
        pause_for_quality(session, template, now)


def _without_examples(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: _without_examples(value) for key, value in part.items() if key != "example"}
    return [_without_examples(value) for value in part] if isinstance(part, list) else part
