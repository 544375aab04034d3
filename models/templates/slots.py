"""Lists the variables of a message: those of its template, of its cards, of its offer and of its form."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from models.tables.template import Template
from models.templates.components import Component as TemplatePart
from models.templates.components import buttons_of, card_components, card_count, has_button, offer_of, word
from models.templates.content import FLOW_DATA, OFFER, OFFER_CODE, MessageContent, card_place
from models.templates.placeholder import PLACEHOLDER

Component = Literal["header", "body", "buttons", "offer", "flow_data"]
COMPONENTS: tuple[Component, ...] = ("header", "body", "buttons")
"""Those that `variables` of the campaign file has; the others have fields of their own."""


@dataclass(frozen=True, slots=True)
class TemplateSlot:
    """One variable of a message. `key` is a position, a name, or a button's index; `card` the card in which it stands, from 0."""

    component: Component
    key: str
    kind: Literal["text", "url", "coupon_code"] = "text"
    card: int | None = None

    @property
    def place(self) -> str:
        """Where its value is kept (models.templates.content)."""
        return card_place(self.card, self.component)

    @property
    def label(self) -> str:
        """The slot's name for operators: `body 2`, `card 1 body 2`."""
        own = "offer code" if self.component == OFFER else f"{self.component} {self.key}"
        return own if self.card is None else f"card {self.card + 1} {own}"

    @property
    def field(self) -> str:
        """The field of the campaign file in which its source stands, as errors begin with: `variables: body 2`."""
        return field_of(self.card, self.component, self.key)


def field_of(card: int | None, component: str, key: str) -> str:
    """The field of the campaign file in which a variable's source stands."""
    if component == OFFER:
        return "offer.code"
    if component == FLOW_DATA:
        return f"flow_data: {key}"
    return f"{variables_field(card)}: {component} {key}"


def variables_field(card: int | None) -> str:
    """The field of the campaign file with the variables of the message, or of one of its cards."""
    return "variables" if card is None else f"cards.{card}.variables"


def template_slots(template: Template, content: MessageContent | None = None) -> list[TemplateSlot]:
    """Return the variables of the template, in the order of the message.

    With `content` those of a message with this content: a carousel of products has as many cards as it says, and a form's button
    the values that it names.
    """
    components = template.components
    slots = _slots_of(components, None)
    for card in range(card_count(components, len(content.cards) if content is not None else None)):
        slots += _slots_of(card_components(components, card), card)
    if content is not None and has_button(components, "FLOW"):
        slots += [TemplateSlot("flow_data", key) for key in content.flow_data]
    return slots


def _slots_of(components: Sequence[TemplatePart], card: int | None) -> list[TemplateSlot]:
    slots: list[TemplateSlot] = []
    for component in components:
        kind = word(component, "type")
        if kind == "HEADER" and (word(component, "format") or "TEXT") == "TEXT":
            slots += [TemplateSlot("header", key, card=card) for key in _keys(component.get("text"))]
        elif kind == "BODY":
            # The text of an authentication template is Meta's: it has one variable, the code.
            keys = ["1"] if "add_security_recommendation" in component else _keys(component.get("text"))
            slots += [TemplateSlot("body", key, card=card) for key in keys]
        elif kind == "BUTTONS":
            slots += _button_slots(component, card, is_offer=card is None and offer_of(components) is not None)
    return slots


def _button_slots(component: TemplatePart, card: int | None, *, is_offer: bool) -> list[TemplateSlot]:
    slots: list[TemplateSlot] = []
    for index, button in enumerate(buttons_of([component])):
        kind = word(button, "type")
        if kind == "OTP" or (kind == "URL" and PLACEHOLDER.search(str(button.get("url", "")))):
            slots.append(TemplateSlot("buttons", str(index), "url", card))
        elif kind == "COPY_CODE" and is_offer:
            slots.append(TemplateSlot("offer", OFFER_CODE, "coupon_code"))
        elif kind == "COPY_CODE":
            slots.append(TemplateSlot("buttons", str(index), "coupon_code", card))
    return slots


def _keys(text: Any) -> list[str]:
    keys = list(dict.fromkeys(PLACEHOLDER.findall(str(text or ""))))
    return sorted(keys, key=int) if all(key.isdigit() for key in keys) else keys
