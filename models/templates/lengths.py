"""Checks the lengths that Meta allows for a template's parts with their values (docs/meta.md §2.5), counted in code points."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from models.stored_texts import BAD_PARAMETER, PARAMETER_LONG, PART_LONG
from models.templates.parameters import as_text
from models.templates.placeholder import PLACEHOLDER
from models.templates.url_values import UrlPlace
from models.text import Text

HEADER = 60
BODY = 1024
OFFER_BODY = 600
PRODUCT_BODY = 160
URL = 2000
COUPON = 20
OFFER_COUPON = 15
ONE_TIME_CODE = 15

Values = Mapping[str, Any]
Check = Callable[[Values], Text | None]


class TemplateLengths:
    """The lengths of one template. `problem` says what is too long with a recipient's values, or with any that are fixed."""

    def __init__(self, components: Sequence[Mapping[str, Any]]) -> None:
        self._checks = list(_checks(components))

    def problem(self, values: Values) -> Text | None:
        """Return the first part that is too long; None if there is none. `values` is component → key → value.

        Variables without a value count as empty.
        """
        return next((problem for check in self._checks if (problem := check(values))), None)


def _checks(components: Sequence[Mapping[str, Any]]) -> Iterator[Check]:
    kinds = {_word(component, "type") for component in components}
    buttons = [button for component in components for button in component.get("buttons") or []]
    is_offer = "LIMITED_TIME_OFFER" in kinds
    is_product = any(_word(button, "type") == "SPM" for button in buttons)
    for component in components:
        kind = _word(component, "type")
        if kind == "HEADER" and str(component.get("format", "TEXT")).upper() == "TEXT":
            yield from _filled("header", str(component.get("text") or ""), HEADER)
        elif kind == "BODY" and "add_security_recommendation" in component:
            yield _value("body", "1", ONE_TIME_CODE)
        elif kind == "BODY":
            most = OFFER_BODY if is_offer else PRODUCT_BODY if is_product else BODY
            yield from _filled("body", str(component.get("text") or ""), most)
    for index, button in enumerate(buttons):
        kind = _word(button, "type")
        if kind == "COPY_CODE":
            yield _value("buttons", str(index), OFFER_COUPON if is_offer else COUPON)
        elif kind == "OTP":
            yield _value("buttons", str(index), ONE_TIME_CODE)
        elif kind == "URL":
            yield from _url(str(index), str(button.get("url") or ""))


def _word(part: Mapping[str, Any], key: str) -> str:
    return str(part.get(key, "")).upper()


def _text(values: Values, component: str, key: str) -> str:
    return as_text((values.get(component) or {}).get(key))


def _value(component: str, key: str, most: int) -> Check:
    def check(values: Values) -> Text | None:
        if len(_text(values, component, key)) <= most:
            return None
        return BAD_PARAMETER(component=component, name=key, problem=PARAMETER_LONG(most=most))

    return check


def _filled(component: str, text: str, most: int) -> Iterator[Check]:
    """The text of a header or a body with its values in place of the variables."""
    names = PLACEHOLDER.findall(text)
    fixed = len(PLACEHOLDER.sub("", text))

    def check(values: Values) -> Text | None:
        count = fixed + sum(len(_text(values, component, name)) for name in names)
        return PART_LONG(component=component, count=count, most=most) if count > most else None

    if names:
        yield check


def _url(index: str, url: str) -> Iterator[Check]:
    place, fixed = UrlPlace.of(url), len(PLACEHOLDER.sub("", url))

    def check(values: Values) -> Text | None:
        count = fixed + len(place.escaped(_text(values, "buttons", index)))
        return PART_LONG(component=f"buttons {index}", count=count, most=URL) if count > URL else None

    if PLACEHOLDER.search(url):
        yield check
