"""Renders a template message of any format as a phone shows it: header, text, footer, cards, and what can be tapped."""

import time
from collections.abc import Iterator
from typing import Any

from bot.sandbox.choices import Choice, SandboxBubble, SandboxCard
from bot.sandbox.template import SandboxTemplate, buttons_of, fill, find_component, parameter_values

PRODUCTS = ("MPM", "SPM", "CATALOG")
SIGNS = {"URL": "link", "FLOW": "flow", "QUICK_REPLY": "quick_reply"} | dict.fromkeys(PRODUCTS, "products")


def of_template(body: dict[str, Any], template: SandboxTemplate) -> SandboxBubble:
    """Render the body of a send of the template."""
    sent = [part for part in body.get("template", {}).get("components") or [] if isinstance(part, dict)]
    footer = template.component("FOOTER")
    bubble = SandboxBubble(
        text=_filled(template.component("BODY"), find_component(sent, "BODY")),
        header=_header(template.components, sent),
        footer=str(footer.get("text", "")) if footer else "",
        choices=list(_choices(template.components, sent, None)),
    )
    offer = _offer(template, sent)
    bubble.header = "\n".join(filter(None, (bubble.header, offer)))
    bubble.cards = list(_cards(template, sent))
    bubble.choices += [choice for card in bubble.cards for choice in card.choices]
    return bubble


def _filled(approved: dict[str, Any] | None, sent: dict[str, Any] | None) -> str:
    values = parameter_values(sent.get("parameters", [])) if sent else {}
    return fill(str(approved.get("text", "")), values) if approved else ""


def _header(approved: list[dict[str, Any]], sent: list[dict[str, Any]]) -> str:
    header, given = find_component(approved, "HEADER"), find_component(sent, "HEADER")
    shape = str(header.get("format", "TEXT")).upper() if header else "TEXT"
    if shape == "TEXT":
        return _filled(header, given)
    parameters = given.get("parameters") if given else None
    value = parameters[0].get(shape.lower()) if parameters else None
    named = value if isinstance(value, dict) else {}
    if shape == "LOCATION":
        place = " · ".join(str(named[key]) for key in ("name", "address") if named.get(key))
        return f"📍 {place or '{} {}'.format(named.get('latitude'), named.get('longitude'))}"
    return f"[{named.get('product_retailer_id') or shape.lower()}]"


def _offer(template: SandboxTemplate, sent: list[dict[str, Any]]) -> str:
    part, given = template.component("LIMITED_TIME_OFFER"), find_component(sent, "LIMITED_TIME_OFFER")
    if part is None:
        return ""
    about = part.get("limited_time_offer")
    text = str(about.get("text", "")) if isinstance(about, dict) else ""
    if given is None:
        return f"⏳ {text}"
    ends_at = given["parameters"][0]["limited_time_offer"]["expiration_time_ms"] / 1000
    return f"⏳ {text} · ends {time.strftime('%d %b %H:%M', time.localtime(ends_at))}"


def _cards(template: SandboxTemplate, sent: list[dict[str, Any]]) -> Iterator[SandboxCard]:
    carousel, given = template.component("CAROUSEL"), find_component(sent, "CAROUSEL")
    models = carousel.get("cards", []) if carousel else []
    for place, card in enumerate(given.get("cards", []) if given and models else []):
        approved = models[min(place, len(models) - 1)]["components"]
        parts = card.get("components") or []
        yield SandboxCard(
            header=_header(approved, parts),
            text=_filled(find_component(approved, "BODY"), find_component(parts, "BODY")),
            choices=list(_choices(approved, parts, place)),
        )


def _choices(approved: list[dict[str, Any]], sent: list[dict[str, Any]], card: int | None) -> Iterator[Choice]:
    """Yield what can be tapped, each with what the business sent for it: a payload, a token, a code, products."""
    values = {str(part.get("index")): part for part in sent if str(part.get("type", "")).lower() == "button"}
    for place, button in enumerate(buttons_of(approved)):
        kind = str(button.get("type", "")).upper()
        parameters = values.get(str(place), {}).get("parameters") or [{}]
        title = str(button.get("text") or button.get("type", "")).strip()
        action = parameters[0].get("action") or {}
        payload = {
            "quick_reply": str(parameters[0].get("payload") or title),
            "flow": str(action.get("flow_token", "unused")),
        }
        sign = SIGNS.get(kind, "link")
        skus = tuple(_skus(kind, approved, sent, action)) if sign == "products" else ()
        url = fill(str(button.get("url", "")), parameter_values(parameters)) if sign == "link" else ""
        yield Choice(sign, title, payload.get(sign, title), card=card, skus=skus, url=url)


def _skus(
    kind: str, approved: list[dict[str, Any]], sent: list[dict[str, Any]], action: dict[str, Any]
) -> Iterator[str]:
    if kind == "SPM":
        header = find_component(sent, "HEADER")
        for item in header.get("parameters", []) if header and find_component(approved, "HEADER") else []:
            yield str(item.get("product", {}).get("product_retailer_id"))
    for section in action.get("sections") or []:
        for item in section.get("product_items") or []:
            yield str(item.get("product_retailer_id"))
    if kind == "CATALOG" and action.get("thumbnail_product_retailer_id"):
        yield str(action["thumbnail_product_retailer_id"])
