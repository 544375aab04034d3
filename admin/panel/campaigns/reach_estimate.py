"""Estimates whom the campaign form, as it is filled in, would reach."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from admin.panel.campaigns.content_fields import content_of_draft
from admin.panel.campaigns.form_fields import filled
from admin.panel.campaigns.languages import languages_of_file
from models.audience.reach import Reach, estimate_reach
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.campaign import Campaign
from models.tables.number import Number
from models.tables.template import Template
from models.templates.content import FLOW_DATA, OFFER, card_place
from models.templates.language_parts import templates_by_language
from models.templates.slots import COMPONENTS, template_slots


def estimated_reach(
    session: Session, draft: Mapping[str, Any], number: Number | None, template: Template | None
) -> tuple[Reach | None, str | None]:
    """The reach of the form as it is filled in, or the reason why it cannot be computed; both None if parts are missing."""
    audience = draft.get("audience") or {}
    if number is None or template is None or not audience.get("include"):
        return None, None
    try:
        return estimate_reach(session, estimate_campaign(session, draft, number, template), utcnow()), None
    except OperatorError as error:
        return None, str(error)


def estimate_campaign(session: Session, draft: Mapping[str, Any], number: Number, template: Template) -> Campaign:
    """A campaign like the draft that is not stored: what is not mapped yet excludes no contact."""
    variables, content = _estimate_columns(draft, template)
    campaign = Campaign(
        id=0,
        name="",
        number_id=number.id,
        template_id=template.id,
        audience=draft.get("audience") or {},
        variables=variables,
        content=content,
        **_languages(session, draft, template),
    )
    campaign.template = template
    return campaign


def _languages(session: Session, draft: Mapping[str, Any], template: Template) -> dict[str, Any]:
    """The columns of the languages: what is not mapped yet in one of them excludes no contact."""
    file = languages_of_file(draft)
    if not file:
        return {}
    codes, own, shared = file["template"]["languages"], file["by_language"], filled(draft)["variables"]
    by_language = {}
    for row in templates_by_language(session, template).values():
        mapped = own.get(row.language, {}).get("variables") or {}
        missing: dict[str, dict[str, Any]] = {}
        for slot in template_slots(row):
            if slot.card is None and slot.component in COMPONENTS:
                source = (mapped.get(slot.component) or {}).get(slot.key) or (shared.get(slot.component) or {}).get(
                    slot.key
                )
                missing.setdefault(slot.component, {})[slot.key] = source or {"source": "text", "text": "…"}
        by_language[row.language] = {**own.get(row.language, {}), "variables": missing}
    return {
        "languages": codes,
        "fallback_language": file["template"].get("fallback"),
        "by_language": {code: values for code, values in by_language.items() if code in codes},
    }


def _estimate_columns(draft: Mapping[str, Any], template: Template) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The variables and the content for an estimate: what is not mapped yet excludes no contact."""
    given = filled(draft)
    content = content_of_draft(given)
    missing = {"source": "text", "text": "…"}
    sources: dict[str, dict[str, Any]] = {}
    for slot in template_slots(template, content):
        source = content.sources(slot.component, slot.card).get(slot.key) or missing
        sources.setdefault(slot.place, {})[slot.key] = source
    cards = [
        {**card, "variables": {part: sources.get(card_place(index, part), {}) for part in COMPONENTS}}
        for index, card in enumerate(content.cards)
    ]
    offer = {**content.offer, **sources.get(OFFER, {})}
    filled_in = replace(content, cards=cards, offer=offer, flow_data=sources.get(FLOW_DATA, {}))
    return {part: sources.get(part, {}) for part in COMPONENTS}, filled_in.content_column()
