"""Draws a message template as a phone shows it, with Meta's examples or a campaign's variables in the placeholders."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from bot.preview.bubble import Bubble
from bot.preview.draw import draw, draw_on_screen
from bot.preview.filled_text import SlotState, SlotValue
from bot.preview.look import Look, Theme
from bot.preview.pictures import NO_PICTURES, DrawnMedium, Pictures
from bot.preview.template import template_bubble
from bot.preview.template_values import TemplateValues, medium_references, values_by_place
from models.clock import utcnow
from models.tables.campaign import Campaign
from models.tables.template import Template

_SOURCES = {"name": "name", "first_name": "first name"}
ORDER_WORDS = {
    "number": "number",
    "total": "total",
    "currency": "currency",
    "product": "product",
    "collection": "collection",
    "brand": "brand",
    "placed_at": "day",
}
"""The fields of a contact's latest order that a template variable can hold."""
_STAMP = "12:30"


def preview_of(
    template: Template,
    variables: Mapping[str, Any] | None = None,
    media: Mapping[str, Any] | None = None,
    *,
    theme: Theme = "auto",
) -> Markup:
    """A template on a phone's screen. `variables`, `media`: a campaign's; None shows Meta's examples in the placeholders."""
    if variables is None:
        return draw_template(template, None, theme=theme)
    values = values_by_place(source_values(variables), media=media or {})
    return draw_template(template, values, pictures_of(media or {}), theme=theme)


def draw_template(
    template: Template, values: TemplateValues | None, pictures: Pictures = NO_PICTURES, *, theme: Theme = "auto"
) -> Markup:
    """A template with values on a phone's screen; without them Meta's examples stand in the placeholders."""
    bubble = template_bubble(template.components, values, pictures, category=template.category)
    return draw_on_screen(draw(bubble, Look(theme=theme, stamp=_STAMP, now=utcnow().timestamp())), theme=theme)


def draw_components(components: Any, *, category: str = "", theme: Theme = "auto") -> Markup:
    """A template that is being written: its components as Meta's JSON, of any shape, with their examples."""
    bubble = template_bubble(components, category=category)
    return draw_on_screen(draw(bubble, Look(theme=theme, stamp=_STAMP, now=utcnow().timestamp())), theme=theme)


def sent_bubble(campaign: Campaign, values: Mapping[str, Any] | None) -> Bubble:
    """The message that somebody got from a campaign. `values`: theirs by place and key, None where they were deleted."""
    template = campaign.template
    if template is None:
        return Bubble(notice="The template does not exist any more")
    if values is None:
        return template_bubble(template.components, TemplateValues(), category=template.category)
    places = {
        str(place): {
            str(key): SlotValue(str(value), SlotState.SENT) for key, value in entries.items() if value is not None
        }
        for place, entries in values.items()
        if isinstance(entries, Mapping)
    }
    filled = values_by_place(places, media=campaign.media)
    return template_bubble(template.components, filled, pictures_of(campaign.media), category=template.category)


def source_values(variables: Mapping[str, Any]) -> dict[str, dict[str, SlotValue]]:
    """What stands in the placeholders while there is no person: the fixed texts, and the names of where the others come from."""
    return {
        place: {
            str(key): value
            for key, source in entries.items()
            if isinstance(source, Mapping) and (value := _source_value(source)) is not None
        }
        for place, entries in variables.items()
        if isinstance(entries, Mapping)
    }


def _source_value(source: Mapping[str, Any]) -> SlotValue | None:
    kind = str(source.get("source") or "")
    if kind == "text":
        return SlotValue(str(source["text"])) if source.get("text") else None
    name = _SOURCES.get(kind) or source.get(kind)
    if kind == "order":
        name = f"latest order: {ORDER_WORDS.get(str(source.get('field')), '…')}"
    return SlotValue(f"‹{name}›", SlotState.EXAMPLE, f"{kind}: {name}") if name else None


def pictures_of(media: Mapping[str, Any]) -> Pictures:
    """What is drawn for a campaign's media: their names, as long as no picture of them is served."""
    shown = {}
    for medium in media.values():
        for reference in medium_references(medium):
            shown[reference] = DrawnMedium(name=str(medium.get("file") or medium.get("link") or ""))
    return Pictures(shown)
