"""Finds the quick replies of a template, and which of them opt out: an opt-out button is known by its place, in every language.

Meta's own "marketing opt-out" is an ordinary quick reply (docs/meta.md §5.8). It is recognized when the template is read; what a
press does goes by the place from then on. A campaign may choose other places.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from models.tables.template import Template

QUICK_REPLY = "QUICK_REPLY"


def quick_replies(components: Sequence[Any]) -> dict[str, str]:
    """The title of every button whose press comes back as a message, by its place: `"0"`, `"1"`, …, in a card `"0.1"`."""
    return {
        place: str(button.get("text") or "")
        for place, button in _buttons(components)
        if str(button.get("type", "")).upper() == QUICK_REPLY
    }


def recognize_opt_out_buttons(components: Sequence[Any], is_opt_out_title: Callable[[str], bool]) -> list[str]:
    """The places of the quick replies whose title is an unmistakable opt-out word."""
    return [place for place, title in quick_replies(components).items() if is_opt_out_title(title)]


def opt_out_titles(template: Template) -> list[str]:
    """The titles of the buttons that were recognized in the template."""
    titles = quick_replies(template.components)
    return [titles[place] for place in template.opt_out_buttons or () if place in titles]


def opt_out_buttons_problem(components: Sequence[Any], places: Sequence[str]) -> str | None:
    """Why these places cannot be opt-out buttons of the template; None if they can."""
    titles = quick_replies(components)
    for place in places:
        if place not in titles:
            allowed = ", ".join(f"{key} ({title})" for key, title in titles.items()) or "none"
            return f"opt_out_buttons: {place} is no quick reply of the template; there are: {allowed}"
    return None


def button_place(index: int, card: int | None) -> str:
    """The place of a button among all of its message, or of its card."""
    return str(index) if card is None else f"{card}.{index}"


def _buttons(components: Sequence[Any], card: int | None = None) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for component in components:
        if not isinstance(component, Mapping):
            continue
        kind = str(component.get("type", "")).upper()
        if kind == "BUTTONS":
            for index, button in enumerate(component.get("buttons") or ()):
                if isinstance(button, Mapping):
                    yield button_place(index, card), button
        elif kind == "CAROUSEL" and card is None:
            for index, each in enumerate(component.get("cards") or ()):
                if isinstance(each, Mapping):
                    yield from _buttons(each.get("components") or (), index)
