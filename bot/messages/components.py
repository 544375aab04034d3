"""Builds the components of a template message (docs/meta.md §2.3): once for all what is fixed, per recipient the rest."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.meta.callback_data import button_payload, flow_token
from bot.meta.file_names import with_file_name
from models.clicks.codes import LinkSigner
from models.templates.components import MEDIA_FORMATS, card_components, card_count, offer_of, word
from models.templates.content import FLOW_DATA, OFFER, OFFER_CODE, MessageContent, card_place
from models.templates.parameters import as_text
from models.templates.placeholder import PLACEHOLDER
from models.templates.tracked_links import LinkPlace, is_link, link_place
from models.templates.url_values import UrlPlace

Values = Mapping[str, Any]
Built = dict[str, Any]
Part = Built | Callable[[Values, int], Built]
"""A component that is the same for all, or what builds it from the values and the id of a recipient."""

_ORDER = {kind: place for place, kind in enumerate(("HEADER", "BODY", "LIMITED_TIME_OFFER", "CAROUSEL", "BUTTONS"))}


def variable_names(text: str) -> list[str]:
    """Return the names in `{{…}}`, each once, in order."""
    return list(dict.fromkeys(PLACEHOLDER.findall(text)))


def built(parts: Sequence[Part], values: Values, recipient_id: int) -> list[Built]:
    """Return the components of one recipient."""
    return [part(values, recipient_id) if callable(part) else part for part in parts]


class ComponentWriter:
    """Writes the parts of one message. `content` has its uploads resolved: a medium is `{"id": …}` or `{"link": …}`.

    `catalog_id` is the catalog of the account, for products that name no other. `links` makes the codes of tracked links.
    """

    def __init__(
        self,
        content: MessageContent,
        *,
        is_named: bool,
        installation: str,
        catalog_id: str | None = None,
        links: Mapping[LinkPlace, LinkSigner] | None = None,
    ) -> None:
        self._content = content
        self._links = links or {}
        self._is_named = is_named
        self._installation = installation
        self._catalog_id = content.products.get("catalog_id") or catalog_id

    def parts(self, components: Sequence[Mapping[str, Any]], card: int | None = None) -> list[Part]:
        """Return the parts of the message, or of its card, that are sent: those with parameters."""
        parts: list[Part] = []
        is_offer = offer_of(components) is not None
        for component in sorted(components, key=lambda each: _ORDER.get(word(each, "type"), len(_ORDER))):
            kind = word(component, "type")
            if kind == "HEADER":
                parts += self._header(component, card)
            elif kind == "BODY":
                parts += self._text("body", _body_names(component), card)
            elif kind == "LIMITED_TIME_OFFER":
                parts += self._offer()
            elif kind == "CAROUSEL":
                parts.append(self._carousel(components))
            elif kind == "BUTTONS":
                for index, button in enumerate(component.get("buttons") or []):
                    parts += self._button(index, button, card, is_offer=is_offer)
        return parts

    def _header(self, component: Mapping[str, Any], card: int | None) -> list[Part]:
        form = word(component, "format") or "TEXT"
        if form == "TEXT":
            return self._text("header", variable_names(str(component.get("text", ""))), card)
        if form in MEDIA_FORMATS:
            kind = form.lower()
            medium = self._content.media_of(card).get("header") or {}
            allowed = ("id", "link", "filename") if kind == "document" else ("id", "link")
            value = {key: medium[key] for key in allowed if medium.get(key)}
            return [_header(kind, with_file_name(value) if kind == "document" else value)]
        if form == "LOCATION":
            return [_header("location", _location(self._content.location))]
        if form == "PRODUCT":
            return [_header("product", self._product(card))]
        return []

    def _product(self, card: int | None) -> Built:
        named = self._content.products if card is None else (self._content.cards[card].get("product") or {})
        catalog_id = named.get("catalog_id") or self._catalog_id
        product = {"product_retailer_id": self._content.sku_of(card)}
        return product | ({"catalog_id": catalog_id} if catalog_id else {})

    def _text(self, component: str, names: Sequence[str], card: int | None) -> list[Part]:
        if not names:
            return []
        place = card_place(card, component)
        if self._is_named:

            def named(values: Values, _recipient: int) -> Built:
                given = values.get(place) or {}
                parameters = [
                    {"type": "text", "text": as_text(given.get(name)), "parameter_name": name} for name in names
                ]
                return {"type": component, "parameters": parameters}

            return [named]
        ordered = sorted(names, key=int)

        def positional(values: Values, _recipient: int) -> Built:
            given = values.get(place) or {}
            parameters = [{"type": "text", "text": as_text(given.get(name))} for name in ordered]
            return {"type": component, "parameters": parameters}

        return [positional]

    def _offer(self) -> list[Part]:
        if (ends_at := self._content.offer_ends_at) is None:
            return []
        offer = {"expiration_time_ms": round(ends_at.timestamp() * 1000)}
        parameter = {"type": "limited_time_offer", "limited_time_offer": offer}
        return [{"type": "limited_time_offer", "parameters": [parameter]}]

    def _carousel(self, components: Sequence[Mapping[str, Any]]) -> Part:
        """All cards: as many as in the template, or for products as in the content."""
        count = card_count(components, len(self._content.cards))
        cards = [_card(index, self.parts(card_components(components, index), index)) for index in range(count)]
        if not any(callable(card) for card in cards):
            return {"type": "carousel", "cards": cards}
        return lambda values, recipient: {"type": "carousel", "cards": built(cards, values, recipient)}

    def _button(self, index: int, button: Mapping[str, Any], card: int | None, *, is_offer: bool) -> list[Part]:
        kind = word(button, "type")
        if kind == "QUICK_REPLY":
            return [self._quick_reply(index, card)]
        if kind == "URL" and (names := variable_names(str(button.get("url", "")))):
            url = UrlPlace.of(str(button["url"]))
            named = {"parameter_name": names[0]} if self._is_named else {}
            if (source := self._content.sources("buttons", card).get(str(index))) and is_link(source):
                return [_link(index, self._links[link_place(source, card, str(index))], named)]
            return [_value(index, "url", lambda text: {"type": "text", "text": url.escaped(text), **named}, card)]
        if kind == "COPY_CODE":
            place = (OFFER, OFFER_CODE) if is_offer and card is None else None
            return [_value(index, "copy_code", _coupon, card, place)]
        if kind == "OTP":
            return [_value(index, "url", lambda text: {"type": "text", "text": text}, card)]
        if kind == "FLOW":
            return [self._flow(index)]
        if kind == "MPM":
            return [_button("mpm", index, {"type": "action", "action": self._sections()})]
        if kind == "CATALOG" and (sku := self._content.thumbnail_sku):
            return [_button("catalog", index, {"type": "action", "action": {"thumbnail_product_retailer_id": sku}})]
        return []

    def _quick_reply(self, index: int, card: int | None) -> Part:
        installation = self._installation
        return lambda _values, recipient: _button(
            "quick_reply",
            index,
            {"type": "payload", "payload": button_payload(installation, recipient, index, card)},
        )

    def _flow(self, index: int) -> Part:
        installation, names = self._installation, list(self._content.flow_data)

        def flow(values: Values, recipient: int) -> Built:
            action: Built = {"flow_token": flow_token(installation, recipient, index)}
            if names:
                given = values.get(FLOW_DATA) or {}
                action["flow_action_data"] = {name: as_text(given.get(name)) for name in names}
            return _button("flow", index, {"type": "action", "action": action})

        return flow

    def _sections(self) -> Built:
        sections = [
            {
                "title": section.get("title") or "",
                "product_items": [{"product_retailer_id": sku} for sku in section.get("skus") or ()],
            }
            for section in self._content.products.get("sections") or ()
        ]
        thumbnail = self._content.thumbnail_sku or next(iter(self._content.skus()), None)
        return {"thumbnail_product_retailer_id": thumbnail, "sections": sections}


def _body_names(component: Mapping[str, Any]) -> list[str]:
    # The text of an authentication template is Meta's: it has one variable, the code.
    return ["1"] if "add_security_recommendation" in component else variable_names(str(component.get("text", "")))


def _header(kind: str, value: Mapping[str, Any]) -> Built:
    return {"type": "header", "parameters": [{"type": kind, kind: value}]}


def _button(sub_type: str, index: int, parameter: Built) -> Built:
    return {"type": "button", "sub_type": sub_type, "index": str(index), "parameters": [parameter]}


def _value(
    index: int,
    sub_type: str,
    parameter: Callable[[str], Built],
    card: int | None,
    place: tuple[str, str] | None = None,
) -> Part:
    component, key = place or (card_place(card, "buttons"), str(index))
    return lambda values, _recipient: _button(
        sub_type, index, parameter(as_text((values.get(component) or {}).get(key)))
    )


def _link(index: int, signer: LinkSigner, named: Mapping[str, str]) -> Part:
    return lambda _values, recipient: _button("url", index, {"type": "text", "text": signer.code(recipient), **named})


def _coupon(text: str) -> Built:
    return {"type": "coupon_code", "coupon_code": text}


def _card(index: int, parts: Sequence[Part]) -> Part:
    if not any(callable(part) for part in parts):
        return {"card_index": index, "components": list(parts)}
    return lambda values, recipient: {"card_index": index, "components": built(parts, values, recipient)}


def _location(location: Mapping[str, Any]) -> Built:
    """Meta's form: the coordinates are texts."""
    place = {key: _degrees(location[key]) for key in ("latitude", "longitude") if key in location}
    return place | {key: str(location[key]) for key in ("name", "address") if location.get(key)}


def _degrees(value: Any) -> str:
    return f"{float(value):.7f}".rstrip("0").rstrip(".")
