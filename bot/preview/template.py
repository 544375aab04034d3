"""Makes the bubble of a template message: Meta's components, of any format, filled with values."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.preview.bubble import Bubble, BubbleButton, BubbleCard, ButtonKind, ChoiceSheet, Header, OfferBanner, TextTitle
from bot.preview.filled_text import NO_TEXT, FilledText, fill
from bot.preview.headers import (
    catalog_header,
    collection_header,
    medium_header,
    place_header,
    product_header,
    product_sheet,
)
from bot.preview.pictures import NO_PICTURES, Pictures
from bot.preview.shapes import kind_of, object_in, objects, objects_in, text_in
from bot.preview.template_buttons import button_of
from bot.preview.template_values import TemplateValues, example_values, sent_values
from bot.preview.words import ENGLISH, PhoneWords

MAX_CARDS = 10
_KNOWN = {"HEADER", "BODY", "FOOTER", "BUTTONS", "CAROUSEL", "LIMITED_TIME_OFFER", "CALL_PERMISSION_REQUEST"}
_UNSEEN = {"TAP_TARGET_CONFIGURATION"}


def template_bubble(
    components: Any,
    values: TemplateValues | None = None,
    pictures: Pictures = NO_PICTURES,
    *,
    category: str = "",
    words: PhoneWords = ENGLISH,
) -> Bubble:
    """The bubble of a template's `components` (docs/meta.md §5.6). Without `values` it shows the examples.

    Never fails: a component of another shape is left out, one of an unknown kind is named.
    """
    reader = _TemplateReader(values or example_values(components), pictures, words)
    parts = objects(components)
    by_kind = {kind_of(part): part for part in reversed(parts)}
    unknown = [kind for kind in by_kind if kind and kind not in _KNOWN | _UNSEEN]
    buttons = reader.buttons(by_kind.get("BUTTONS"))
    if "CALL_PERMISSION_REQUEST" in by_kind:
        buttons = (*buttons, button_of({"type": "CALL_PERMISSION_REQUEST"}, len(buttons), reader.values, words))
    header = reader.header(by_kind.get("HEADER"))
    return Bubble(
        header=reader.collection(header, buttons) or header,
        offer=reader.offer(by_kind.get("LIMITED_TIME_OFFER"), by_kind.get("BUTTONS")),
        body=reader.body(by_kind.get("BODY")),
        footer=reader.footer(by_kind.get("FOOTER")),
        buttons=buttons,
        sheet=reader.sheet(buttons),
        cards=reader.cards(by_kind.get("CAROUSEL")),
        notice=", ".join(words.unsupported.format(kind=_readable(kind)) for kind in unknown),
        is_marketing=category.upper() == "MARKETING",
    )


def sent_template_bubble(
    template: Any,
    components: Any,
    pictures: Pictures = NO_PICTURES,
    *,
    category: str = "",
    words: PhoneWords = ENGLISH,
) -> Bubble:
    """The bubble of the `template` object of a message that was sent. `components`: the template's; empty if it is not known."""
    if not objects(components):
        return Bubble(notice=words.no_template.format(name=text_in(template, "name")))
    return template_bubble(components, sent_values(template), pictures, category=category, words=words)


def _readable(kind: str) -> str:
    return kind.replace("_", " ").capitalize()


class _TemplateReader:
    def __init__(self, values: TemplateValues, pictures: Pictures, words: PhoneWords) -> None:
        self.values = values
        self._pictures = pictures
        self._words = words

    def header(self, part: Mapping[str, Any] | None) -> Header | None:
        """The header of a message or of a card."""
        if part is None:
            return None
        form = kind_of(part, "format") or "TEXT"
        if form == "TEXT":
            text = fill(text_in(part, "text"), self.values.header)
            return TextTitle(text) if text else None
        if form == "LOCATION":
            return place_header(self.values.location, is_needed=True)
        if form == "PRODUCT":
            return product_header(self.values.sku, self._pictures, self._words)
        medium = medium_header(
            form.lower(), self.values.medium, self.values.file_name, self._pictures, self._words, is_cropped=True
        )
        if medium is not None:
            return medium
        return TextTitle(FilledText(self._words.unsupported.format(kind=_readable(form))))

    def body(self, part: Mapping[str, Any] | None) -> FilledText:
        """The body. That of an authentication template is Meta's own text, with the code (docs/meta.md §5.6)."""
        if part is None:
            return NO_TEXT
        text = text_in(part, "text")
        if not text and "add_security_recommendation" in part:
            text = self._words.auth_code.format(code="{{1}}")
            if part.get("add_security_recommendation"):
                text += " " + self._words.auth_advice
        return fill(text, self.values.body)

    def footer(self, part: Mapping[str, Any] | None) -> FilledText:
        """The footer, which has no variables."""
        minutes = text_in(part, "code_expiration_minutes")
        fixed = self._words.auth_expires.format(minutes=minutes) if minutes else ""
        return FilledText(text_in(part, "text") or fixed)

    def offer(self, part: Mapping[str, Any] | None, buttons: Mapping[str, Any] | None) -> OfferBanner | None:
        """The row of a limited-time offer, with the code of the copy-code button."""
        if part is None:
            return None
        facts = object_in(part, "limited_time_offer")
        codes = (place for place, item in enumerate(objects_in(buttons, "buttons")) if kind_of(item) == "COPY_CODE")
        place = next(codes, None)
        code = NO_TEXT
        if place is not None:
            given = self.values.offer_code or self.values.buttons.get(place)
            code = fill("{{code}}", {"code": given} if given else {})
        return OfferBanner(
            FilledText(text_in(facts, "text")), code, self.values.expires_at, bool(facts.get("has_expiration"))
        )

    def buttons(self, part: Mapping[str, Any] | None) -> tuple[BubbleButton, ...]:
        """The buttons of a message or of a card."""
        buttons = enumerate(objects_in(part, "buttons"))
        return tuple(button_of(button, place, self.values, self._words) for place, button in buttons)

    def cards(self, part: Mapping[str, Any] | None) -> tuple[BubbleCard, ...]:
        """The cards of a carousel: as many as the values have, each like the template's card of that place, or its last.

        A product carousel is made with two cards and sent with up to ten (docs/meta.md §2.3).
        """
        made = objects_in(part, "cards")
        if not made:
            return ()
        values: Sequence[TemplateValues] = [TemplateValues()] * len(made)
        if self.values.cards is not None:
            values = self.values.cards
        return tuple(
            self._card(place, made[min(place, len(made) - 1)], value) for place, value in enumerate(values[:MAX_CARDS])
        )

    def _card(self, place: int, made: Mapping[str, Any], values: TemplateValues) -> BubbleCard:
        reader = _TemplateReader(values, self._pictures, self._words)
        by_kind = {kind_of(part): part for part in reversed(objects_in(made, "components"))}
        header, body = reader.header(by_kind.get("HEADER")), reader.body(by_kind.get("BODY"))
        return BubbleCard(place, header, body, reader.buttons(by_kind.get("BUTTONS")))

    def collection(self, header: Header | None, buttons: tuple[BubbleButton, ...]) -> Header | None:
        """The tile of a message with products, which takes the header's text with it; None for any other message."""
        kinds = {button.kind for button in buttons}
        if ButtonKind.CATALOG in kinds:
            return catalog_header(self.values.thumbnail_sku, self._pictures, self._words)
        if ButtonKind.ITEMS in kinds and self.values.sections and (header is None or isinstance(header, TextTitle)):
            skus = [sku for _, skus in self.values.sections for sku in skus]
            title = header.text if header else NO_TEXT
            return collection_header(title, skus, self.values.thumbnail_sku, self._pictures)
        return None

    def sheet(self, buttons: tuple[BubbleButton, ...]) -> ChoiceSheet | None:
        """The products behind the button of a multi-product message."""
        if not self.values.sections or not any(button.kind is ButtonKind.ITEMS for button in buttons):
            return None
        return product_sheet(self.values.sections, self._pictures, self._words)
