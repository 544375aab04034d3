"""Says what a campaign sends in each of its languages: the template, and the content that goes with it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.tables.campaign import Campaign
from models.tables.template import Template
from models.templates.content import COLUMNS, MessageContent, content_of
from models.templates.content_problems import MappingProblem
from models.templates.languages import LanguageChoice, plain_language
from models.templates.sendable import TemplateProblem
from models.templates.slots import template_slots
from models.templates.variables import mapping_problems, media_format
from models.text import Text


@dataclass(frozen=True, slots=True)
class LanguagePart:
    """One language of a campaign, at its `position` in the file. `template` is None if the account has none in this language.

    `content` is the campaign's, with what `by_language` says in its place.
    """

    position: int
    language: str
    template: Template | None
    content: MessageContent


def language_choice(campaign: Campaign) -> LanguageChoice | None:
    """The campaign's languages; None if everybody gets the same."""
    return LanguageChoice(campaign.languages, campaign.fallback_language) if campaign.languages else None


def language_parts(session: Session, campaign: Campaign) -> list[LanguagePart]:
    """The parts in the order of the languages: one for a campaign of one language, none for one without a template."""
    template = session.get(Template, campaign.template_id) if campaign.template_id is not None else None
    if template is None:
        return []
    if not campaign.languages:
        return [LanguagePart(0, template.language, template, content_of(campaign))]
    templates = templates_by_language(session, template)
    return [
        _part(campaign, position, language, templates.get(plain_language(language)))
        for position, language in enumerate(campaign.languages)
    ]


def templates_by_language(session: Session, template: Template) -> dict[str, Template]:
    """The languages of the template's name in its account, by `plain_language`."""
    query = select(Template).where(Template.waba_id == template.waba_id, Template.name == template.name)
    return {plain_language(row.language): row for row in session.scalars(query.order_by(Template.id))}


def language_problems(parts: Sequence[LanguagePart], first: Template, category: str) -> Iterator[TemplateProblem]:
    """Yield what keeps the languages from being sent as one campaign; `first` is the template that stands for it.

    `category` is the campaign's, in any of Meta's spellings. No parts: each of its cohorts is paused.
    """
    if not parts:
        text = Text("Every language of the campaign is paused.")
        yield TemplateProblem(
            "template_approved", text, "Wait for Meta's approval, or replace the templates.", "paused"
        )
    for part in parts:
        named = {"name": (part.template or first).name, "language": part.language}
        if part.template is None:
            text = Text("Template {name} ({language}) is not there.", named)
            yield TemplateProblem(
                "template_approved", text, "Leave the language out, or have it approved.", "not there"
            )
        elif part.template.category.lower() != category.lower():
            named |= {"category": part.template.category.lower(), "campaign": category.lower()}
            text = Text("Template {name} ({language}) is {category}, and the campaign is {campaign}.", named)
            remedy = "Send languages of another category in a campaign of their own."
            yield TemplateProblem("category", text, remedy, "of another category")


def part_problems(part: LanguagePart, campaign: Campaign, now: datetime | None = None) -> list[MappingProblem]:
    """The problems of the part's content; of a campaign of several languages each names the language."""
    if part.template is None:
        return []
    problems = mapping_problems(part.template, part.content, now)
    if not campaign.languages or part.template.id == campaign.template_id:
        return problems
    return [MappingProblem(f"{part.language}: {problem.line}", problem.is_gap, part.language) for problem in problems]


def _part(campaign: Campaign, position: int, language: str, template: Template | None) -> LanguagePart:
    shared, own = content_of(campaign), (campaign.by_language or {}).get(language) or {}
    content = replace(shared, **{name: own[name] for name in ("media", *COLUMNS) if own.get(name)})
    if template is not None:
        is_first = template.id == campaign.template_id
        if not is_first and not own.get("media") and media_format(template) is None:
            content = replace(content, media={})
        variables = _variables_of(template, content, own.get("variables") or {}, is_first=is_first)
        content = replace(content, variables=variables)
    return LanguagePart(position, language, template, content)


def _variables_of(
    template: Template, shared: MessageContent, own: Mapping[str, Any], *, is_first: bool
) -> dict[str, Mapping[str, Any]]:
    """The campaign's sources for the variables that this language has, with its own in their place.

    Those of the campaign are all kept for the language that stands for it (`is_first`), so that one too many is found.
    """
    slots = {(slot.place, slot.key) for slot in template_slots(template, shared)}
    merged: dict[str, Mapping[str, Any]] = {
        component: {key: source for key, source in sources.items() if is_first or (component, key) in slots}
        for component, sources in shared.variables.items()
    }
    for component, sources in own.items():
        merged[component] = {**merged.get(component, {}), **sources}
    return {component: sources for component, sources in merged.items() if sources}
