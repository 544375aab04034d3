"""Converts the fields of the campaign form to the public campaign file, and a campaign back to the form's fields."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from admin.panel.campaigns.content_fields import CONTENT_FIELDS, filled_content, read_content, without_empty_texts
from admin.panel.campaigns.goal_fields import read_goals
from admin.panel.campaigns.languages import languages_of_campaign, languages_of_file, read_languages
from admin.panel.campaigns.opt_out_buttons import read_opt_out_buttons
from admin.panel.campaigns.slot_fields import read_medium, read_sources
from models.billing.amount import show_amount
from models.conversions.goals import CampaignGoal
from models.tables.campaign import Campaign
from models.templates.slots import COMPONENTS

SIDES = ("include", "exclude")
KINDS = ("tag", "list", "segment")
MAX_ROWS = 200
_OWN_NAMES = (
    "name", "number", "template", "flow", "ends_after_hours", "pace", "opt_out_buttons", "max_price", "retry", "goals",
)  # fmt: skip
_OF_A_CARD = re.compile(r"cards\.([0-9])\.(product|media)")


def read_draft(form: Any, time_zone: str = "UTC") -> dict[str, Any]:
    """Read a submitted form into the content of a campaign file. Empty fields are left out; nothing is validated.

    Times are in `time_zone`.
    """
    data: dict[str, Any] = {"name": form.get("name", "").strip()}
    if number := form.get("number", "").strip():
        data["number"] = number
    template, _, language = form.get("template", "").rpartition("|")
    if template:
        data["template"] = {"name": template, "language": language}
    if flow := form.get("flow", "").strip():
        data["flow"] = flow
    audience = {side: _side(form, side) for side in SIDES}
    if any(audience.values()):
        data["audience"] = audience
    sources = read_sources(form)
    if variables := {component: sources[component] for component in COMPONENTS if component in sources}:
        data["variables"] = variables
    data |= read_content(form, sources, time_zone)
    if medium := read_medium(form):
        data["media"] = {"header": medium}
    if (opt_out_buttons := read_opt_out_buttons(form)) is not None:
        data["opt_out_buttons"] = opt_out_buttons
    if amount := form.get("max_price_amount", "").strip():
        data["max_price"] = {"amount": amount, "currency": form.get("max_price_currency", "").strip().upper()}
    data |= read_languages(form)
    if days := form.get("ends_after_days", "").strip():
        hours = _number(days)
        data["ends_after_hours"] = hours * 24 if isinstance(hours, float) else hours
    later = {"pace": _pace(form), "goals": read_goals(form), "retry": _retry(form)}
    return data | {name: value for name, value in later.items() if value}


def filled(draft: Mapping[str, Any]) -> dict[str, Any]:
    """The draft without variables whose text is still empty: those are not mapped yet."""
    variables = {
        component: without_empty_texts(entries) for component, entries in (draft.get("variables") or {}).items()
    }
    plain = {key: value for key, value in draft.items() if key not in {*CONTENT_FIELDS, "also", "by_language"}}
    return {**plain, "variables": variables, **filled_content(draft), **languages_of_file(draft)}


def draft_of(campaign: Campaign, goals: Sequence[CampaignGoal] = ()) -> dict[str, Any]:
    """Convert a stored campaign to the draft that the form shows."""
    data: dict[str, Any] = {
        "name": campaign.name,
        "audience": {side: campaign.audience.get(side) or [] for side in SIDES},
        "variables": campaign.variables,
        "media": campaign.media,
        **(campaign.content or {}),
        "ends_after_hours": campaign.ends_after_seconds / 3600,
        "pace": {"per_hour": campaign.pace_per_hour}
        if campaign.pace_per_hour
        else {"per_second": campaign.pace_per_second},
    }
    if campaign.number:
        data["number"] = campaign.number.phone_number_id
    if campaign.template:
        data["template"] = {"name": campaign.template.name, "language": campaign.template.language}
        data |= languages_of_campaign(campaign)
    if campaign.opt_out_buttons is not None:
        data["opt_out_buttons"] = campaign.opt_out_buttons
    if campaign.max_price is not None:
        data["max_price"] = {"amount": show_amount(campaign.max_price), "currency": campaign.max_price_currency}
    if goals:
        data["goals"] = [goal.to_json() for goal in goals]
    if campaign.retry:
        data["retry"] = campaign.retry
    if campaign.flow:
        data["flow"] = campaign.flow.name
    return data


def _retry(form: Mapping[str, str]) -> dict[str, Any]:
    hours, until = form.get("retry_for_hours", "").strip(), form.get("retry_until", "").strip()
    written = {"for_hours": int(hours) if hours.isdecimal() and len(hours) < 6 else hours, "until": until}
    return {name: value for name, value in written.items() if value != ""}


def field_errors(line: str, labels: Mapping[str, str]) -> dict[str, str]:
    """Split the text of an OperatorError into sentences by field; those of no field are under the empty name.

    `labels` maps what stands before a complaint about a variable (`variables: body 1`) to the name of its field.
    """
    errors: dict[str, str] = {}
    last: str | None = None
    for part in line.split("; "):
        field = _field(part, labels)
        if not field and last is not None:  # a semicolon within a sentence
            errors[last] += f"; {part}"
            continue
        text = part
        for label in labels:
            text = text.removeprefix(f"{label}: ").removeprefix(f"{_dotted(label)}: ")
        text = text.removeprefix("variables: ")
        last = field if field not in errors else last
        errors.setdefault(field, text[:1].upper() + text[1:])
    return errors


def _field(part: str, labels: Mapping[str, str]) -> str:
    for name in _OWN_NAMES:
        if part.startswith((f"{name}=", f"{name}:", f"{name} ", f"{name}.")):
            return name
    if part.startswith("audience.exclude"):
        return "exclude"
    if part.startswith("audience"):
        return "include"
    if part.startswith("media"):
        return "media"
    for label, field in labels.items():
        if part.startswith((f"{label}:", f"{label} ", _dotted(label))):
            return field
    if card := _OF_A_CARD.match(part):
        return f"card-{card[1]}-{'sku' if card[2] == 'product' else 'media'}"
    return next((name for name in CONTENT_FIELDS if part.startswith(name)), "")


def _dotted(label: str) -> str:
    """The same place as the reader of campaign files names it: `variables.body.1`."""
    return label.replace(": ", ".").replace(" ", ".")


def rows_of(draft: Mapping[str, Any], side: str) -> Sequence[tuple[str, str]]:
    """The tags, lists and segments selected on a side, and one empty row."""
    rows = []
    for item in (draft.get("audience") or {}).get(side) or []:
        kind = next(iter(set(item) & set(KINDS)), "")
        if kind:
            rows.append((f"{kind}:{item[kind]}", str(item.get("value") or "")))
    return [*rows, ("", "")]


def _side(form: Any, side: str) -> list[dict[str, str]]:
    items = []
    for what, value in _pairs(form.getlist(f"{side}_what"), form.getlist(f"{side}_value")):
        kind, _, name = what.partition(":")
        if kind == "tag" and name:
            items.append({"tag": name, "value": value} if value else {"tag": name})
        elif kind in KINDS and name:
            items.append({kind: name})
    phones = (phone.strip() for phone in form.get(f"{side}_people", "").replace(";", ",").split(","))
    return items + [{"contact": phone} for phone in dict.fromkeys(phones) if phone]


def _pairs(names: Sequence[str], values: Sequence[str]) -> list[tuple[str, str]]:
    return [(name.strip(), value.strip()) for name, value in zip(names[:MAX_ROWS], values, strict=False)]


def _pace(form: Any) -> dict[str, Any] | None:
    text, unit = form.get("pace", "").strip(), form.get("pace_unit", "per_second")
    if not text or unit not in {"per_second", "per_hour"}:
        return None
    return {unit: _number(text)}


def _number(text: str) -> float | str:
    """The number; a text that is no number is returned as it is, so that the error can show it."""
    try:
        return float(text)
    except ValueError:
        return text
