"""Checks the lengths that Meta allows for a template's parts with their values (docs/meta.md §2.5), counted in code points."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from models.stored_texts import BAD_PARAMETER, PARAMETER_LONG, PART_LONG
from models.templates.components import (
    buttons_of,
    card_components,
    card_count,
    header_format,
    offer_of,
    word,
)
from models.templates.content import OFFER, OFFER_CODE, card_place, shown_place
from models.templates.parameters import as_text
from models.templates.placeholder import PLACEHOLDER
from models.templates.url_values import UrlPlace
from models.text import Text

HEADER = 60
BODY = 1024
OFFER_BODY = 600
PRODUCT_BODY = 160
CARD_BODY = 160
URL = 2000
MAX_ESCAPED = 12
"""Characters that one character may become in a URL: four bytes, each as `%F0`."""
COUPON = 20
OFFER_COUPON = 15
ONE_TIME_CODE = 15

Values = Mapping[str, Any]
Check = Callable[[Values], Text | None]


class TemplateLengths:
    """The lengths of one template. `problem` says what is too long with a recipient's values, or with any that are fixed.

    `cards` is the number of cards of the message, where a carousel of products has as many as its content says.
    """

    def __init__(self, components: Sequence[Mapping[str, Any]], cards: int | None = None) -> None:
        self._checks = list(_checks(components, None))
        for card in range(card_count(components, cards)):
            self._checks += _checks(card_components(components, card), card)

    def problem(self, values: Values) -> Text | None:
        """Return the first part that is too long; None if there is none. `values` is place → key → value.

        Variables without a value count as empty.
        """
        return next((problem for check in self._checks if (problem := check(values))), None)


def _checks(components: Sequence[Mapping[str, Any]], card: int | None) -> Iterator[Check]:
    is_offer = offer_of(components) is not None
    for component in components:
        kind = word(component, "type")
        if kind == "HEADER" and header_format([component]) == "TEXT":
            yield from _filled(card_place(card, "header"), str(component.get("text") or ""), HEADER)
        elif kind == "BODY" and "add_security_recommendation" in component:
            yield _value("body", "1", ONE_TIME_CODE)
        elif kind == "BODY":
            yield from _filled(card_place(card, "body"), str(component.get("text") or ""), _most(components, card))
    place = card_place(card, "buttons")
    for index, button in enumerate(buttons_of(components)):
        kind = word(button, "type")
        if kind == "COPY_CODE" and is_offer:
            yield _value(OFFER, OFFER_CODE, OFFER_COUPON)
        elif kind == "COPY_CODE":
            yield _value(place, str(index), COUPON)
        elif kind == "OTP":
            yield _value(place, str(index), ONE_TIME_CODE)
        elif kind == "URL":
            yield from _url(place, str(index), str(button.get("url") or ""))


def _most(components: Sequence[Mapping[str, Any]], card: int | None) -> int:
    """How long the text of this body may be."""
    if card is not None:
        return CARD_BODY
    if offer_of(components) is not None:
        return OFFER_BODY
    return PRODUCT_BODY if any(word(button, "type") == "SPM" for button in buttons_of(components)) else BODY


def _text(values: Values, component: str, key: str) -> str:
    return as_text((values.get(component) or {}).get(key))


def _value(component: str, key: str, most: int) -> Check:
    def check(values: Values) -> Text | None:
        if len(_text(values, component, key)) <= most:
            return None
        return BAD_PARAMETER(component=shown_place(component), name=key, problem=PARAMETER_LONG(most=most))

    return check


def _filled(component: str, text: str, most: int) -> Iterator[Check]:
    """The text of a header or a body with its values in place of the variables."""
    names = PLACEHOLDER.findall(text)
    fixed = len(PLACEHOLDER.sub("", text))

    def check(values: Values) -> Text | None:
        count = fixed + sum(len(_text(values, component, name)) for name in names)
        return PART_LONG(component=shown_place(component), count=count, most=most) if count > most else None

    if names:
        yield check


def _url(component: str, index: str, url: str) -> Iterator[Check]:
    place, fixed = UrlPlace.of(url), len(PLACEHOLDER.sub("", url))

    def check(values: Values) -> Text | None:
        text = _text(values, component, index)
        if fixed + len(text) * MAX_ESCAPED <= URL:
            return None
        count = fixed + len(place.escaped(text))
        return PART_LONG(component=f"{shown_place(component)} {index}", count=count, most=URL) if count > URL else None

    if PLACEHOLDER.search(url):
        yield check
