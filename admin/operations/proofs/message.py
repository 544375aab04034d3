"""Shows a campaign's message as one person was sent it: the template as it was, the values, the text."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.meta.callback_data import callback_data
from bot.preview.bubble import Bubble, TextTitle
from bot.preview.filled_text import SlotState, SlotValue
from bot.preview.template import template_bubble
from bot.preview.template_values import values_by_place
from models.sending.cohorts import cohort_content
from models.tables.audit import Audit, AuditAction
from models.tables.campaign import Campaign
from models.tables.cohort import Cohort
from models.tables.recipient import Recipient
from models.tables.template import Template
from models.templates.content import MessageContent, content_of
from models.templates.former_texts import TemplateText, text_at
from models.templates.parameters import as_text
from models.templates.sent_values import SentValues


def message_facts(
    session: Session, campaign: Campaign, recipient: Recipient, installation: str, time_zone: str
) -> dict[str, Any]:
    """`template`, `message`, `callback_data` and `unknown`: what could not be found out."""
    unknown: list[str] = []
    tried_at = recipient.claimed_at or recipient.accepted_at
    cohort = session.get(Cohort, recipient.cohort_id) if recipient.cohort_id is not None else None
    template = campaign.template if cohort is None else cohort.template
    content = content_of(campaign) if cohort is None else cohort_content(cohort)
    if tried_at is None:
        return {"template": None, "message": None, "callback_data": None, "unknown": ["No message was tried."]}
    template = _template_at(session, campaign, template, tried_at, unknown)
    if template is None:
        return {
            "template": None,
            "message": None,
            "callback_data": None,
            "unknown": [*unknown, "The template is gone."],
        }
    text = text_at(session, template, tried_at)
    values: Mapping[str, Any] = {}
    if recipient.source_values is None:
        unknown.append("The values of this person are not kept any more.")
    else:
        values, _ = SentValues(template, content, time_zone).read(recipient.source_values)
    return {
        "template": {
            "name": template.name,
            "language": template.language,
            "meta_id": template.meta_id,
            "category": text.category,
            "components": list(text.components),
            "said_so_until": text.until.isoformat() if text.until else None,
        },
        "message": {
            "to": "the phone or user id of the person above",
            "text": _text(text, content, values),
            "values": _plain_values(values),
            "media": [dict(medium) for medium in content.all_media()],
            "content": content.content_column(),
        },
        "callback_data": callback_data(installation, recipient.id, max(recipient.attempts, 1)),
        "unknown": unknown,
    }


def _template_at(
    session: Session, campaign: Campaign, template: Template | None, at: datetime, unknown: list[str]
) -> Template | None:
    """The template that the message was sent with: it may have been replaced since, which the audit says."""
    if template is None:
        return None
    query = select(Audit.detail).where(
        Audit.object_type == "campaign",
        Audit.object_id == str(campaign.id),
        Audit.action == AuditAction.REPLACE_TEMPLATE,
        Audit.at > at,
    )
    details = session.scalars(query.order_by(Audit.at, Audit.id))
    former = next((it.get("before") for it in details if it.get("language") == template.language), None)
    if former is None:
        return template
    name = (Template.waba_id == template.waba_id, Template.name == former, Template.language == template.language)
    found = session.scalar(select(Template).where(*name))
    if found is None:
        unknown.append(f"The message was sent with the template {former}, which is gone.")
    return found


def _text(text: TemplateText, content: MessageContent, values: Mapping[str, Any]) -> str:
    """The message as a phone shows it, in plain text."""
    places = {
        str(place): {
            str(key): SlotValue(as_text(value), SlotState.SENT) for key, value in entries.items() if value is not None
        }
        for place, entries in values.items()
        if isinstance(entries, Mapping)
    }
    filled = values_by_place(places, media=content.media, content=content.content_column())
    bubble = template_bubble(list(text.components), filled, category=text.category)
    return "\n".join(line for line in _lines(bubble) if line)


def _lines(bubble: Bubble) -> list[str]:
    title = bubble.header.text.text if isinstance(bubble.header, TextTitle) else ""
    cards = [f"[card {place}] {card.body.text}" for place, card in enumerate(bubble.cards, 1)]
    buttons = [f"[{button.title}]" for button in bubble.buttons]
    return [title, bubble.body.text, *cards, bubble.footer.text, *buttons]


def _plain_values(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        str(place): {str(key): as_text(value) if value is not None else None for key, value in entries.items()}
        for place, entries in values.items()
        if isinstance(entries, Mapping)
    }
