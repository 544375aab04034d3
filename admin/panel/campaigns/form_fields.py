"""Converts the fields of the campaign form to the public campaign file, and a campaign back to the form's fields."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from admin.panel.campaigns.content_fields import CONTENT_FIELDS, filled_content, read_content, without_empty_texts
from admin.panel.campaigns.opt_out_buttons import read_opt_out_buttons
from models.billing.amount import show_amount
from models.tables.campaign import Campaign
from models.templates.slots import COMPONENTS

SIDES = ("include", "exclude")
KINDS = ("tag", "list", "segment")
MAX_ROWS = 200
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
    sources = _sources(form)
    if variables := {component: sources[component] for component in COMPONENTS if component in sources}:
        data["variables"] = variables
    data |= read_content(form, sources, time_zone)
    if medium := _medium(form):
        data["media"] = {"header": medium}
    if (opt_out_buttons := read_opt_out_buttons(form)) is not None:
        data["opt_out_buttons"] = opt_out_buttons
    if amount := form.get("max_price_amount", "").strip():
        data["max_price"] = {"amount": amount, "currency": form.get("max_price_currency", "").strip().upper()}
    if pace := _pace(form):
        data["pace"] = pace
    if days := form.get("ends_after_days", "").strip():
        hours = _number(days)
        data["ends_after_hours"] = hours * 24 if isinstance(hours, float) else hours
    return data


def filled(draft: Mapping[str, Any]) -> dict[str, Any]:
    """The draft without variables whose text is still empty: those are not mapped yet."""
    variables = {
        component: without_empty_texts(entries) for component, entries in (draft.get("variables") or {}).items()
    }
    plain = {key: value for key, value in draft.items() if key not in CONTENT_FIELDS}
    return {**plain, "variables": variables, **filled_content(draft)}


def draft_of(campaign: Campaign) -> dict[str, Any]:
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
    if campaign.opt_out_buttons is not None:
        data["opt_out_buttons"] = campaign.opt_out_buttons
    if campaign.max_price is not None:
        data["max_price"] = {"amount": show_amount(campaign.max_price), "currency": campaign.max_price_currency}
    if campaign.flow:
        data["flow"] = campaign.flow.name
    return data


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
            text = text.removeprefix(f"{label}: ")
        text = text.removeprefix("variables: ")
        last = field if field not in errors else last
        errors.setdefault(field, text[:1].upper() + text[1:])
    return errors


def _field(part: str, labels: Mapping[str, str]) -> str:
    for name in ("name", "number", "template", "flow", "ends_after_hours", "pace", "opt_out_buttons", "max_price"):
        if part.startswith((f"{name}=", f"{name}:", f"{name} ", f"{name}.")):
            return name
    if part.startswith("audience.exclude"):
        return "exclude"
    if part.startswith("audience"):
        return "include"
    if part.startswith("media"):
        return "media"
    for label, field in labels.items():
        if part.startswith((f"{label}:", f"{label} ", label.replace(": ", ".").replace(" ", "."))):
            return field
    if card := _OF_A_CARD.match(part):
        return f"card-{card[1]}-{'sku' if card[2] == 'product' else 'media'}"
    return next((name for name in CONTENT_FIELDS if part.startswith(name)), "")


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


def _sources(form: Any) -> dict[str, dict[str, dict[str, str]]]:
    """Read the fields `slot-<place>-<key>-source`, `…-text`, `…-fallback`, `…-format` and `…-currency`; place → key → source."""
    sources: dict[str, dict[str, dict[str, str]]] = {}
    for field in form:
        if not field.startswith("slot-") or not field.endswith("-source") or field.count("-") < 3:
            continue
        _, place, key = field.removesuffix("-source").split("-", 2)
        kind, _, name = form[field].partition(":")
        if not kind:
            continue
        source = {"source": kind}
        if kind == "text":
            source["text"] = form.get(f"slot-{place}-{key}-text", "")
        elif kind in {"tag", "attribute"}:
            source[kind] = name
        elif kind in {"order", "product"}:
            source["field"] = name
        fallback = form.get(f"slot-{place}-{key}-fallback", "").strip()
        if fallback and kind != "text":
            source["fallback"] = fallback
        if form_of := form.get(f"slot-{place}-{key}-format", "").strip():
            source["format"] = form_of
        currency = form.get(f"slot-{place}-{key}-currency", "").strip().upper()
        if currency and form_of == "money" and kind not in {"order", "product"}:
            source["currency"] = currency
        sources.setdefault(place, {})[key] = source
    return sources


def _medium(form: Any) -> dict[str, str] | None:
    if link := form.get("media_link", "").strip():
        return {"link": link}
    sha256 = form.get("media_sha256", "").strip()
    if sha256:
        return {"sha256": sha256}
    if media_id := form.get("media_id", "").strip():
        return {"id": media_id}
    return None


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
