"""Resolves the languages that a campaign file names, and checks what it says for each of them."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from admin.operations.campaign_file import CampaignFile
from jobs.core.runtime import Runtime
from models.errors import OperatorError
from models.segments.references import spell_tags
from models.tables.campaign import Campaign
from models.tables.template import Template
from models.templates.language_parts import language_parts, part_problems, templates_by_language
from models.templates.languages import plain_language
from models.templates.variables import unknown_names


@dataclass
class CampaignLanguages:
    """The columns of a campaign's languages. `codes` is None for a campaign of one language."""

    codes: list[str] | None = None
    fallback: str | None = None
    spelled: dict[str, str] = field(default_factory=dict)
    """The template's own spelling, by `plain_language`."""
    values: dict[str, dict[str, Any]] = field(default_factory=dict)

    def put_media(self, language: str, media: dict[str, Any]) -> None:
        """Add the language's own media, if it has any."""
        if media:
            self.values.setdefault(self.spelled[plain_language(language)], {})["media"] = media

    def columns(self) -> dict[str, Any]:
        """The values of the campaign's columns."""
        own = {code: values for code, values in self.values.items() if values}
        return {"languages": self.codes, "fallback_language": self.fallback, "by_language": own or None}


def campaign_languages(session: Session, file: CampaignFile, template: Template | None) -> CampaignLanguages:
    """The file's languages in the template's spelling, with their own variables.

    Raises OperatorError if the template is not there in one of them, or values are for a language that the campaign does not have.
    """
    codes = file.template.languages if file.template is not None else None
    if codes is None:
        if file.by_language:
            raise OperatorError("by_language: allowed together with template.languages alone")
        return CampaignLanguages()
    if template is None or file.template is None:
        return CampaignLanguages()  # without a number nobody knows which account's template it is
    templates = templates_by_language(session, template)
    if lacking := [code for code in codes if plain_language(code) not in templates]:
        raise OperatorError(
            "template={name} ({language}): there is no such template for this number; it is there in {languages}",
            name=template.name,
            language=lacking[0],
            languages=", ".join(sorted(row.language for row in templates.values())),
        )
    spelled = {plain_language(code): templates[plain_language(code)].language for code in codes}
    for code in file.by_language:
        if plain_language(code) not in spelled:
            raise OperatorError(
                "by_language.{code}: is not one of the campaign's languages ({languages})",
                code=code,
                languages=", ".join(spelled.values()),
            )
    fallback = spelled[plain_language(file.template.fallback)] if file.template.fallback is not None else None
    languages = CampaignLanguages(list(spelled.values()), fallback, spelled)
    for code, values in file.by_language.items():
        variables = values.variables.model_dump(exclude_none=True, exclude_defaults=True)
        refuse_unknown_names(session, variables)
        if variables:
            languages.values.setdefault(spelled[plain_language(code)], {})["variables"] = spell_tags(session, variables)
    return languages


def refuse_unknown_names(session: Session, variables: dict[str, Any]) -> None:
    """Raise OperatorError if a variable comes from a tag or an attribute that does not exist."""
    if problems := unknown_names(session, variables):
        raise OperatorError("{problems}", problems="; ".join(problems))


def refuse_misfits(rt: Runtime, campaign: Campaign) -> None:
    """Raise OperatorError if what a campaign (not stored) says does not fit its template in one of its languages. Gaps may stay."""
    with rt.database.read() as session:
        parts = language_parts(session, campaign)
        wrong = [problem.line for part in parts for problem in part_problems(part, campaign) if not problem.is_gap]
    if wrong:
        raise OperatorError("{problems}", problems="; ".join(dict.fromkeys(wrong)))
