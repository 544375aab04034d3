"""Converts the campaign form's fields of further languages to the campaign file, and back.

The form's template is one language; the draft keeps the others under `also` (`{"languages", "order", "is_fallback"}`), and what
differs in each under `by_language`, as the file does.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from admin.operations.campaign_values import find_template
from admin.panel.campaigns.content_fields import content_of_draft, slot_field, without_empty_texts
from admin.panel.campaigns.slot_fields import read_medium, read_sources
from jobs.core.runtime import Runtime
from jobs.media.incoming import chunks_of
from jobs.media.library import add_media
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.campaign import Campaign
from models.tables.number import Number
from models.tables.template import Template
from models.templates.content import COLUMNS
from models.templates.language_parts import templates_by_language
from models.templates.sendable import why_not_sendable
from models.templates.slots import COMPONENTS, TemplateSlot, template_slots
from models.templates.variables import media_format

MAX_KEPT = 100_000


@dataclass(frozen=True)
class LanguageFields:
    """One further language in the form. `slots`: each variable with the beginning of its fields' names and its own source."""

    code: str
    label: str
    is_chosen: bool
    slots: list[tuple[TemplateSlot, str, Mapping[str, Any]]]
    needed: str | None
    media: Mapping[str, Any]
    kept: str
    """What the form does not show of this language, as JSON: it is kept as it is."""


def language_field(code: str, name: str = "") -> str:
    """The name of a field of one language."""
    return f"lang-{code}-{name}"


def read_languages(form: Any) -> dict[str, Any]:
    """The part of the draft that the fields of further languages make; empty if none is chosen."""
    codes = list(dict.fromkeys(code for code in form.getlist("also_language") if code))
    if not codes:
        return {}
    order = [code for code in form.get("language_order", "").split(",") if code]
    also = {"languages": codes, "order": order, "is_fallback": form.get("is_fallback") == "1"}
    by_language = {code: own for code in codes if (own := _own(form, code))}
    return {"also": also, "by_language": by_language}


def languages_of_file(draft: Mapping[str, Any]) -> dict[str, Any]:
    """The fields `template` and `by_language` of the file; empty for a draft of one language."""
    also, template = draft.get("also"), draft.get("template")
    if not also or not template:
        return {}
    codes = [template["language"], *also["languages"]]
    ordered = [code for code in also["order"] if code in codes]
    languages = list(dict.fromkeys([*ordered, *codes]))
    fallback = {"fallback": template["language"]} if also["is_fallback"] else {}
    by_language = {code: _filled(own) for code, own in (draft.get("by_language") or {}).items()}
    return {"template": {"name": template["name"], "languages": languages, **fallback}, "by_language": by_language}


def languages_of_campaign(campaign: Campaign) -> dict[str, Any]:
    """The part of the draft for a stored campaign; empty for one of one language."""
    if not campaign.languages or campaign.template is None:
        return {}
    others = [code for code in campaign.languages if code != campaign.template.language]
    also = {"languages": others, "order": campaign.languages, "is_fallback": campaign.fallback_language is not None}
    return {"also": also, "by_language": campaign.by_language or {}}


def fit_languages(session: Session, draft: dict[str, Any], template: Template | None) -> None:
    """Drop languages that the chosen template does not have, and values for variables that a language does not have."""
    if not draft.get("also"):
        return
    templates = {row.language: row for row in templates_by_language(session, template).values()} if template else {}
    codes = [
        code for code in draft["also"]["languages"] if code in templates and template and code != template.language
    ]
    if not codes:
        draft.pop("also")
        draft.pop("by_language", None)
        return
    draft["also"]["languages"] = codes
    own = draft.get("by_language") or {}
    draft["by_language"] = {code: _fitting(own[code], templates[code]) for code in codes if code in own}


def languages_shown(session: Session, draft: Mapping[str, Any], template: Template | None) -> list[LanguageFields]:
    """The further languages of the chosen template, those that can be sent or are chosen, by code."""
    if template is None:
        return []
    chosen = (draft.get("also") or {}).get("languages") or []
    others = [row for row in templates_by_language(session, template).values() if row.id != template.id]
    shown = [row for row in others if row.language in chosen or not why_not_sendable(row)]
    own = draft.get("by_language") or {}
    return [
        _shown(draft, row, own.get(row.language) or {}, row.language in chosen)
        for row in sorted(shown, key=lambda row: row.language)
    ]


def store_language_uploads(rt: Runtime, number: Number | None, files: Any, draft: dict[str, Any], actor: str) -> None:
    """Add the files uploaded for a language to the library, so that they are kept when the form is shown again with errors.

    Raises OperatorError if a language's header does not take its file.
    """
    for code in (draft.get("also") or {}).get("languages") or []:
        upload = files.get(language_field(code, "media_file"))
        if upload is None or not upload.filename:
            continue
        needed = _needed(rt, number, draft, code)
        if needed is None:
            raise OperatorError("media: choose a number and a template whose header takes a file first")
        try:
            row = add_media(rt, upload.filename, chunks_of(upload.stream), actor, utcnow(), needed)
        except OperatorError as error:
            raise OperatorError("by_language.{code}.media: {why}", code=code, why=error) from error
        own = draft["by_language"].setdefault(code, {})
        own["media"] = {"header": {"sha256": row.sha256, "file": row.name}}


def _needed(rt: Runtime, number: Number | None, draft: Mapping[str, Any], code: str) -> str | None:
    with rt.database.read() as session:
        template = find_template(session, number, (draft.get("template") or {}).get("name", ""), code)
    return media_format(template) if template is not None else None


def _own(form: Any, code: str) -> dict[str, Any]:
    prefix = language_field(code)
    fields = MultiDict({name.removeprefix(prefix): form[name] for name in form if name.startswith(prefix)})
    own = _kept(fields.get("kept", ""))
    sources = read_sources(fields)
    if variables := {component: sources[component] for component in COMPONENTS if component in sources}:
        own["variables"] = variables
    if medium := read_medium(fields):
        own["media"] = {"header": medium}
    return own


def _kept(text: str) -> dict[str, Any]:
    try:
        kept = json.loads(text[:MAX_KEPT]) if text else {}
    except json.JSONDecodeError:
        return {}
    return {name: kept[name] for name in COLUMNS if name in kept} if isinstance(kept, dict) else {}


def _filled(own: Mapping[str, Any]) -> dict[str, Any]:
    variables = {part: without_empty_texts(sources) for part, sources in (own.get("variables") or {}).items()}
    return {**own, **({"variables": variables} if variables else {})}


def _fitting(own: Mapping[str, Any], template: Template) -> dict[str, Any]:
    slots = {(slot.component, slot.key) for slot in template_slots(template) if slot.card is None}
    variables = {
        component: {key: source for key, source in sources.items() if (component, key) in slots}
        for component, sources in (own.get("variables") or {}).items()
    }
    fitting = {name: value for name, value in own.items() if name != "variables"}
    if media_format(template) is None:
        fitting.pop("media", None)
    return fitting | ({"variables": variables} if any(variables.values()) else {})


def _shown(draft: Mapping[str, Any], template: Template, own: Mapping[str, Any], is_chosen: bool) -> LanguageFields:
    slots = [slot for slot in template_slots(template, content_of_draft(draft)) if slot.card is None]
    variables, prefix = own.get("variables") or {}, language_field(template.language)
    header = (own.get("media") or {}).get("header") or {}
    kept = {name: own[name] for name in COLUMNS if own.get(name)}
    return LanguageFields(
        code=template.language,
        label=f"{template.language} · {template.status.lower()}" if why_not_sendable(template) else template.language,
        is_chosen=is_chosen,
        slots=[
            (slot, f"{prefix}{slot_field(slot)}", (variables.get(slot.component) or {}).get(slot.key) or {})
            for slot in slots
            if slot.component in COMPONENTS
        ],
        needed=media_format(template),
        media=header,
        kept=json.dumps(kept) if kept else "",
    )
