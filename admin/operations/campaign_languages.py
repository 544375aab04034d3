"""Resolves the languages that a campaign file names, and checks what it says for each of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from admin.operations.campaign_file import CampaignFile
from jobs.core.runtime import Runtime
from models.errors import OperatorError
from models.tables.campaign import Campaign
from models.tables.template import Template
from models.templates.content import MessageContent
from models.templates.language_parts import language_parts, part_problems, templates_by_language
from models.templates.languages import plain_language


@dataclass
class CampaignLanguages:
    """The languages of a campaign in the template's spelling. `codes` is None for a campaign of one language."""

    codes: list[str] | None = None
    fallback: str | None = None
    spelled: dict[str, str] = field(default_factory=dict)
    """The keys of the file's `by_language` → the template's own spelling."""

    def columns(self, own: Mapping[str, MessageContent]) -> dict[str, Any]:
        """The values of the campaign's columns; `own` is what differs in a language."""
        values = {code: _not_empty(content) for code, content in own.items()}
        by_language = {code: content for code, content in values.items() if content}
        return {"languages": self.codes, "fallback_language": self.fallback, "by_language": by_language or None}


def _not_empty(content: MessageContent) -> dict[str, Any]:
    columns = {"variables": content.variables, "media": content.media, **(content.content_column() or {})}
    return {name: value for name, value in columns.items() if value}


def campaign_languages(session: Session, file: CampaignFile, template: Template | None) -> CampaignLanguages:
    """The languages of the file.

    Raises OperatorError if the template is not there in one of them, or values are for a language that the campaign does not have.
    """
    codes = file.template.languages if file.template is not None else None
    if codes is None or template is None or file.template is None:
        if file.by_language:
            raise OperatorError("by_language: allowed together with template.languages alone")
        return CampaignLanguages()
    templates = templates_by_language(session, template)
    if lacking := [code for code in codes if plain_language(code) not in templates]:
        raise OperatorError(
            "template={name} ({language}): there is no such template for this number; it is there in {languages}",
            name=template.name,
            language=lacking[0],
            languages=", ".join(sorted(row.language for row in templates.values())),
        )
    own = {plain_language(code): templates[plain_language(code)].language for code in codes}
    for code in file.by_language:
        if plain_language(code) not in own:
            raise OperatorError(
                "by_language.{code}: is not one of the campaign's languages ({languages})",
                code=code,
                languages=", ".join(own.values()),
            )
    spelled = {code: own[plain_language(code)] for code in file.by_language}
    if len(set(spelled.values())) < len(spelled):
        raise OperatorError("by_language: a language is named twice")
    fallback = own[plain_language(file.template.fallback)] if file.template.fallback is not None else None
    return CampaignLanguages(list(own.values()), fallback, spelled)


def refuse_misfits(rt: Runtime, campaign: Campaign, now: datetime) -> None:
    """Raise OperatorError if what a campaign (not stored) says does not fit its template in one of its languages. Gaps may stay."""
    with rt.database.read() as session:
        parts = language_parts(session, campaign)
        wrong = [problem.line for part in parts for problem in part_problems(part, campaign, now) if not problem.is_gap]
    if wrong:
        raise OperatorError("{problems}", problems="; ".join(dict.fromkeys(wrong)))
