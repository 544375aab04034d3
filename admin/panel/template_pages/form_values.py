"""Reads a submitted template form into flat values, and adds and removes buttons and cards by round trips.

A value's key is its field's name: `header-text`, `body`, `sample-1`, `b-0-text` (the first button), `c-1-body` (the second card),
`c-1-b-0-text` (its first button).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

MAX_CARDS = 10
MAX_BUTTONS = 10
MAX_LENGTH = 3_000
BUTTON_FIELDS = ("kind", "text", "url", "example", "phone", "code", "flow", "action", "screen")
_BUTTON = re.compile(r"b-([0-9])-kind")
_CARD = re.compile(r"c-([0-9])-on")
_CARD_BUTTON = re.compile(r"c-([0-9])-b-([01])-kind")
_SAMPLE = re.compile(r"(?:c-[0-9]-)?sample-[A-Za-z0-9_]{1,60}")
_PLAIN = {
    "kind", "name", "language", "category", "parameter_format", "ttl", "number", "header", "header-text", "header-example",
    "header-handle", "body", "footer", "offer-text", "offer-expires", "recommend", "minutes", "otp-kind", "otp-text",
    "otp-package", "otp-hash", "otp-terms", "rest",
}  # fmt: skip

Values = dict[str, str]


@dataclass
class FormValues:
    """A form as it is filled in: the plain values, the buttons, the cards with their buttons, each as short names → text."""

    plain: Values = field(default_factory=dict)
    samples: Values = field(default_factory=dict)
    """Of the body's variables, by `sample-1`; of a card's by `c-0-sample-1`."""
    buttons: list[Values] = field(default_factory=list)
    cards: list[Values] = field(default_factory=list)
    card_buttons: list[list[Values]] = field(default_factory=list)

    def get(self, name: str) -> str:
        """A plain value, empty if it is missing."""
        return self.plain.get(name, "")

    def sample(self, key: str, card: int | None = None) -> str:
        """The sample of a variable of the body, or of a card's text."""
        return self.samples.get(f"sample-{key}" if card is None else f"c-{card}-sample-{key}", "")


def read_form(form: Mapping[str, str]) -> FormValues:
    """Read what was submitted. Nothing is checked here, only bounded."""
    values = FormValues()
    for name, text in form.items():
        kept = text.replace("\r\n", "\n").replace("\x00", "")[:MAX_LENGTH]
        if name in _PLAIN:
            values.plain[name] = kept
        elif _SAMPLE.fullmatch(name):
            values.samples[name] = kept
    values.buttons = [_part(form, f"b-{place}-", BUTTON_FIELDS) for place in _places(form, _BUTTON)]
    for place in _places(form, _CARD):
        values.cards.append(_part(form, f"c-{place}-", ("header", "handle", "body")))
        inner = sorted(int(m[2]) for name in form if (m := _CARD_BUTTON.fullmatch(name)) and int(m[1]) == place)
        values.card_buttons.append([_part(form, f"c-{place}-b-{button}-", BUTTON_FIELDS) for button in inner])
    return values


def apply_change(values: FormValues, form: Mapping[str, str], link_base: str) -> bool:
    """Do what a button of the form asks: add or remove a button or a card. False if none was pressed."""
    add, drop = form.get("add", ""), form.get("drop", "")
    if add == "button" and len(values.buttons) < MAX_BUTTONS:
        values.buttons.insert(
            _place_of(values, form.get("new-button", "")), new_button(form.get("new-button", ""), link_base)
        )
    elif add == "card" and len(values.cards) < MAX_CARDS:
        values.cards.append({"header": values.cards[-1].get("header", "IMAGE") if values.cards else "IMAGE"})
        values.card_buttons.append([dict(button) for button in values.card_buttons[-1]] if values.card_buttons else [])
    elif add == "card-button":
        for buttons in values.card_buttons:
            if len(buttons) < 2:
                buttons.append(new_button(form.get("new-card-button", ""), link_base))
    elif match := re.fullmatch(r"b-([0-9])", drop):
        del values.buttons[int(match[1]) : int(match[1]) + 1]
    elif match := re.fullmatch(r"c-([0-9])", drop):
        _drop_card(values, int(match[1]))
    elif match := re.fullmatch(r"cb-([01])", drop):
        for buttons in values.card_buttons:
            del buttons[int(match[1]) : int(match[1]) + 1]
    else:
        return bool(add or drop)
    return True


def new_button(choice: str, link_base: str) -> Values:
    """A button of a kind; `tracked` is a link whose clicks are counted, `opt_out` the quick reply that unsubscribes."""
    if choice == "tracked":
        return {
            "kind": "URL",
            "text": "Shop now",
            "url": f"{link_base}/l/{{{{1}}}}",
            "example": f"{link_base}/l/sample",
        }
    if choice == "opt_out":
        return {"kind": "QUICK_REPLY", "text": "Stop promotions"}
    return {"kind": choice or "QUICK_REPLY"}


def _place_of(values: FormValues, choice: str) -> int:
    """Where a new button goes: quick replies must stand together."""
    if choice not in {"QUICK_REPLY", "opt_out"}:
        return len(values.buttons)
    places = [place for place, button in enumerate(values.buttons) if button.get("kind") == "QUICK_REPLY"]
    return places[-1] + 1 if places else len(values.buttons)


def _drop_card(values: FormValues, place: int) -> None:
    del values.cards[place : place + 1]
    del values.card_buttons[place : place + 1]
    moved: Values = {}
    for name, text in values.samples.items():
        match = re.fullmatch(r"c-([0-9])-(.+)", name)
        if match is None or int(match[1]) < place:
            moved[name] = text
        elif int(match[1]) > place:
            moved[f"c-{int(match[1]) - 1}-{match[2]}"] = text
    values.samples = moved


def _places(form: Mapping[str, str], pattern: re.Pattern[str]) -> list[int]:
    return sorted(int(match[1]) for name in form if (match := pattern.fullmatch(name)))


def _part(form: Mapping[str, str], prefix: str, names: tuple[str, ...]) -> Values:
    return {name: form.get(prefix + name, "").replace("\r\n", "\n").replace("\x00", "")[:MAX_LENGTH] for name in names}
