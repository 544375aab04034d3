"""Lists the templates of a business and shows one with its life, for the command line and the panel."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.operations.templates.accounts import account_of, stored_template
from admin.operations.templates.drafts import definition_of
from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.stored_texts import show_stored
from models.tables.template import Template
from models.tables.template_life import TemplateEvent
from models.templates.advice import template_advice
from models.templates.life import APPROVED, edits_left, life_of, pending_draft


def list_templates(rt: Runtime, number_id: int | None = None) -> list[dict[str, Any]]:
    """Every template in every language, by name, of one number's account or of all."""
    with rt.database.read() as session:
        query = select(Template).where(Template.missing_at.is_(None))
        if number_id is not None:
            query = query.where(Template.waba_id == account_of(session, number_id).pk)
        rows = session.scalars(query.order_by(Template.name, Template.waba_id, Template.language))
        return [summary(session, row) for row in rows]


def summary(session: Session, template: Template) -> dict[str, Any]:
    """A template in a line."""
    return {
        "name": template.name,
        "language": template.language,
        "category": template.category,
        "status": template.status,
        "quality": template.quality,
        "rejected_reason": template.rejected_reason if template.status == "REJECTED" else None,
        "has_pending_edit": template.meta_id is not None and pending_draft(session, template.id) is not None,
        "meta_id": template.meta_id,
    }


def show_template(rt: Runtime, name: str, language: str, number_id: int | None = None) -> dict[str, Any]:
    """A template with its definition, what to do about its status, the edits that are left, and its life, newest first.

    Raises OperatorError if there is no such template.
    """
    now = utcnow()
    with rt.database.read() as session:
        template = stored_template(session, account_of(session, number_id).pk, name, language)
        advice = template_advice(template.status, template.rejected_reason)
        left = edits_left(session, template.id, now) if template.status == APPROVED else None
        return {
            **summary(session, template),
            "what_to_do": str(advice) if advice else None,
            "edits_left": {"in_24_hours": left.today, "in_30_days": left.this_month} if left else None,
            "definition": definition_of(session, template),
            "life": life_json(life_of(session, template.id)),
        }


def life_json(events: Sequence[TemplateEvent]) -> list[dict[str, Any]]:
    """Events as JSON, in the order that they have."""
    return [
        {
            "at": event.at,
            "event": str(event.kind),
            "before": event.before,
            "after": event.after,
            "reason": show_stored(event.reason) or None,
            "by": event.actor,
        }
        for event in events
    ]
