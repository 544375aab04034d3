"""The parts that make a template more than a text with buttons: a carousel's cards, a limited-time offer (docs/meta.md §5.6)."""

from dataclasses import dataclass
from typing import Any

from models.templates.definition.buttons import ButtonDefinition
from models.templates.definition.headers import Header, ProductHeader
from models.templates.definition.part import Part, present
from models.templates.definition.texts import Body


@dataclass(frozen=True, slots=True, kw_only=True)
class CardDefinition(Part):
    """One card of a carousel."""

    header: Header | None = None
    body: Body | None = None
    buttons: tuple[ButtonDefinition, ...] = ()

    @property
    def shape(self) -> tuple[str, ...]:
        """What all cards of a carousel have in common: the header's format, whether there is a text, and the buttons' kinds."""
        header = str(self.header.to_json()["format"]).lower() if self.header else "no"
        return (f"{header} header", *(["text"] if self.body else []), *(button.kind for button in self.buttons))

    def to_json(self) -> dict[str, Any]:
        """Meta's card."""
        parts = [part.to_json() for part in (self.header, self.body) if part is not None]
        if self.buttons:
            parts.append({"type": "BUTTONS", "buttons": [button.to_json() for button in self.buttons]})
        return {**self.extra, "components": parts}


@dataclass(frozen=True, slots=True, kw_only=True)
class Carousel(Part):
    """Cards that are swiped from side to side."""

    cards: tuple[CardDefinition, ...] = ()

    @property
    def has_products(self) -> bool:
        """Whether its cards show products of the catalog."""
        return any(isinstance(card.header, ProductHeader) for card in self.cards)

    def to_json(self) -> dict[str, Any]:
        """Meta's component."""
        return {**self.extra, "type": "CAROUSEL", "cards": [card.to_json() for card in self.cards]}


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferDefinition(Part):
    """A limited-time offer. `has_expiration`: the phone counts down to the moment that is given when the message is sent."""

    text: str
    has_expiration: bool | None = None

    def to_json(self) -> dict[str, Any]:
        """Meta's component."""
        offer = {**self.extra, "text": self.text, **present(has_expiration=self.has_expiration)}
        return {"type": "LIMITED_TIME_OFFER", "limited_time_offer": offer}
