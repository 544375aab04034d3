"""Says what a campaign sends in each of its languages: template, variables and media."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.tables.campaign import Campaign
from models.tables.template import Template
from models.templates.languages import LanguageChoice, plain_language
from models.templates.variables import media_format, template_slots


@dataclass(frozen=True, slots=True)
class LanguagePart:
    """One language of a campaign, at its `position` in the file. `template` is None if the account has none in this language.

    `variables` and `media` have the file's form; with what `by_language` says in place of the campaign's.
    """

    position: int
    language: str
    template: Template | None
    variables: Mapping[str, Any]
    media: Mapping[str, Any]


def language_choice(campaign: Campaign) -> LanguageChoice | None:
    """The campaign's languages; None if everybody gets the same."""
    return LanguageChoice(campaign.languages, campaign.fallback_language) if campaign.languages else None


def language_parts(session: Session, campaign: Campaign) -> list[LanguagePart]:
    """The parts in the order of the languages: one for a campaign of one language, none for one without a template."""
    template = session.get(Template, campaign.template_id) if campaign.template_id is not None else None
    if template is None:
        return []
    if not campaign.languages:
        return [LanguagePart(0, template.language, template, campaign.variables, campaign.media)]
    templates = templates_by_language(session, template)
    return [
        _part(campaign, position, language, templates.get(plain_language(language)))
        for position, language in enumerate(campaign.languages)
    ]


def templates_by_language(session: Session, template: Template) -> dict[str, Template]:
    """The languages of the template's name in its account, by `plain_language`."""
    query = select(Template).where(Template.waba_id == template.waba_id, Template.name == template.name)
    return {plain_language(row.language): row for row in session.scalars(query.order_by(Template.id))}


def _part(campaign: Campaign, position: int, language: str, template: Template | None) -> LanguagePart:
    own = (campaign.by_language or {}).get(language) or {}
    variables, media = campaign.variables, own.get("media") or campaign.media
    if template is not None:
        variables = _variables_of(template, campaign.variables, own.get("variables") or {})
        media = media if own.get("media") or media_format(template) else {}
    return LanguagePart(position, language, template, variables, media)


def _variables_of(
    template: Template, shared: Mapping[str, Any], own: Mapping[str, Any]
) -> dict[str, Mapping[str, Any]]:
    """The campaign's sources for the variables that this language has, with its own in their place."""
    keys: dict[str, set[str]] = {}
    for slot in template_slots(template):
        keys.setdefault(slot.component, set()).add(slot.key)
    merged = {
        component: {key: source for key, source in sources.items() if key in keys.get(component, ())}
        for component, sources in shared.items()
    }
    for component, sources in own.items():
        merged[component] = {**merged.get(component, {}), **sources}
    return {component: sources for component, sources in merged.items() if sources}
