"""Draws a message template as a phone shows it, with Meta's examples or a campaign's variables in the placeholders."""

from collections.abc import Mapping
from typing import Any

from flask import url_for
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.auth.web_security import runtime
from bot.preview.bubble import Bubble
from bot.preview.draw import draw, draw_on_screen
from bot.preview.filled_text import SlotState, SlotValue
from bot.preview.look import Look, Theme
from bot.preview.pictures import NO_PICTURES, DrawnMedium, DrawnProduct, Pictures
from bot.preview.template import template_bubble
from bot.preview.template_values import TemplateValues, medium_references, values_by_place
from models.catalog.lookup import products_by_sku
from models.clock import utcnow
from models.db.bulk import among
from models.sending.cohorts import cohort_content
from models.tables.campaign import Campaign
from models.tables.cohort import Cohort
from models.tables.media import MediaFile, MediaKind
from models.tables.recipient import Recipient
from models.tables.template import Template
from models.templates.content import MessageContent, content_of
from models.templates.parameters import as_text
from models.templates.sent_values import SentValues
from models.templates.slots import template_slots

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


def preview_of(template: Template) -> Markup:
    """A template on a phone's screen, with Meta's examples in the placeholders."""
    return draw_template(template, None)


def filled_values(places: Mapping[str, Mapping[str, SlotValue]], content: MessageContent) -> TemplateValues:
    """What fills a template: values by place and key, and what the content has besides."""
    return values_by_place(places, media=content.media, content=content.content_column())


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


def sent_bubble(session: Session, campaign: Campaign, recipient: Recipient) -> Bubble:
    """The message that somebody got from a campaign. Where their values were deleted, the placeholders stand in it."""
    cohort = session.get(Cohort, recipient.cohort_id) if recipient.cohort_id is not None else None
    template = campaign.template if cohort is None else cohort.template
    if template is None:
        return Bubble(notice="The template does not exist any more")
    content = content_of(campaign) if cohort is None else cohort_content(cohort)
    if recipient.source_values is None:
        return template_bubble(template.components, TemplateValues(), category=template.category)
    values, _ = SentValues(template, content, runtime().settings.time_zone).read(recipient.source_values)
    places = {
        str(place): {
            str(key): SlotValue(as_text(value), SlotState.SENT) for key, value in entries.items() if value is not None
        }
        for place, entries in values.items()
        if isinstance(entries, Mapping)
    }
    values_sent = filled_values(places, content)
    pictures = pictures_of(session, template.waba_id, content)
    return template_bubble(template.components, values_sent, pictures, category=template.category)


def source_values(template: Template, content: MessageContent) -> dict[str, dict[str, SlotValue]]:
    """What stands in the placeholders while there is no person: the fixed texts, and the names of where the others come from."""
    places: dict[str, dict[str, SlotValue]] = {}
    for slot in template_slots(template, content):
        source = content.sources(slot.component, slot.card).get(slot.key)
        value = _source_value(source) if isinstance(source, Mapping) else None
        if value is not None:
            places.setdefault(slot.place, {})[slot.key] = value
    return places


def _source_value(source: Mapping[str, Any]) -> SlotValue | None:
    kind = str(source.get("source") or "")
    if kind == "text":
        return SlotValue(str(source["text"])) if source.get("text") else None
    if kind == "link":
        return SlotValue(
            f"‹tracked link → {source.get('url') or '…'}›", SlotState.EXAMPLE, f"tracked link → {source.get('url')}"
        )
    name = source.get(kind) or kind.replace("_", " ")
    if kind == "order":
        name = f"latest order: {ORDER_WORDS.get(str(source.get('field')), '…')}"
    elif kind == "product":
        name = f"product: {source.get('field') or '…'}"
    return SlotValue(f"‹{name}›", SlotState.EXAMPLE, f"{kind}: {name}") if name else None


def pictures_of(session: Session, waba_pk: int, content: MessageContent) -> Pictures:
    """What is drawn for a campaign's media and products: thumbnails of the library, names of the rest.

    Pictures of products lie on other hosts, and none is loaded from there.
    """
    media = {}
    for medium in content.all_media():
        for reference in medium_references(medium):
            media[reference] = DrawnMedium(name=str(medium.get("file") or medium.get("link") or ""))
    files = select(MediaFile).where(among(session, MediaFile.sha256, sorted(media)), MediaFile.deleted_at.is_(None))
    for file in session.scalars(files) if media else ():
        media[file.sha256] = _drawn_file(file)
    skus = content.skus()
    found = products_by_sku(session, waba_pk, skus, content.products.get("catalog_id")) if skus else {}
    products = {sku: DrawnProduct(product.name, product.price_text or "") for sku, product in found.items()}
    return Pictures(media, products)


def _drawn_file(file: MediaFile) -> DrawnMedium:
    """A file of the library. Only a picture has a thumbnail."""
    url = url_for("panel_media.thumbnail", media_id=file.id) if file.kind is MediaKind.IMAGE else ""
    return DrawnMedium(url, file.name, file.size_bytes)
