"""The content of a message: what a campaign adds to its template, in the form of the public campaign file.

The values of its variables are kept by place and key: `{"body": {"1": …}, "cards.0.buttons": {"1": …}, "offer": {"code": …}}`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from models.tables.campaign import Campaign

Medium = Mapping[str, Any]
Source = Mapping[str, Any]
OFFER, OFFER_CODE, FLOW_DATA = "offer", "code", "flow_data"
"""The places of the code of a limited-time offer, and of the values that a form begins with."""
COLUMNS = ("cards", "products", "thumbnail_sku", "offer", "location", "flow_data")
"""The fields of the column `campaign.content`; variables and media have columns of their own."""


def card_place(card: int | None, component: str) -> str:
    """Where the values of a component are kept: `body`, or `cards.0.body` for the card 0."""
    return component if card is None else f"cards.{card}.{component}"


def shown_place(place: str) -> str:
    """A place in the words of operators: `card 1 body` for `cards.0.body`."""
    cards, _, rest = place.partition(".")
    card, _, component = rest.partition(".")
    return f"card {int(card) + 1} {component}" if cards == "cards" and card.isdigit() else place


@dataclass(frozen=True, slots=True)
class MessageContent:
    """What a campaign, or a part of it, adds to the template. Nothing in it depends on the person but the variables' sources.

    `cards` are objects with `media` and `variables` as those of the message, or with a `product` (`{"sku": …}`). `products` is
    `{"sections": [{"title", "skus"}]}` or `{"sku"}`, with an optional `catalog_id`; `offer` is `{"expires_at", "code"}`.
    """

    variables: Mapping[str, Any] = field(default_factory=dict)
    media: Mapping[str, Any] = field(default_factory=dict)
    cards: Sequence[Mapping[str, Any]] = ()
    products: Mapping[str, Any] = field(default_factory=dict)
    thumbnail_sku: str | None = None
    offer: Mapping[str, Any] = field(default_factory=dict)
    location: Mapping[str, Any] = field(default_factory=dict)
    flow_data: Mapping[str, Source] = field(default_factory=dict)

    @classmethod
    def from_columns(
        cls, variables: Mapping[str, Any], media: Mapping[str, Any], content: Mapping[str, Any] | None
    ) -> Self:
        """Read the three columns that keep it; `content` holds those of COLUMNS that are not empty."""
        return cls(variables, media, **{name: value for name, value in (content or {}).items() if name in COLUMNS})

    def content_column(self) -> dict[str, Any] | None:
        """What the column `content` keeps: the fields of COLUMNS that are not empty; None if all are."""
        return {name: value for name in COLUMNS if (value := getattr(self, name))} or None

    def sources(self, component: str, card: int | None = None) -> Mapping[str, Source]:
        """The sources of a component's variables by key."""
        if card is None:
            if component == OFFER:
                return {OFFER_CODE: code} if (code := self.offer.get(OFFER_CODE)) else {}
            return (self.flow_data if component == FLOW_DATA else self.variables.get(component)) or {}
        variables = self.cards[card].get("variables") if card < len(self.cards) else None
        return (variables or {}).get(component) or {}

    def media_of(self, card: int | None = None) -> Mapping[str, Any]:
        """The media of the message, or of one of its cards."""
        if card is None:
            return self.media
        return (self.cards[card].get("media") if card < len(self.cards) else None) or {}

    def all_media(self) -> Iterator[Medium]:
        """Every medium: of the message, then of the cards in their order."""
        for card in (None, *range(len(self.cards))):
            yield from self.media_of(card).values()

    def with_media(self, resolve: Callable[[Medium], Medium]) -> Self:
        """The same content with every medium replaced by what `resolve` makes of it."""

        def resolved(media: Mapping[str, Any]) -> dict[str, Any]:
            return {part: resolve(medium) for part, medium in media.items()}

        cards = [{**card, "media": resolved(card["media"])} if card.get("media") else card for card in self.cards]
        return replace(self, media=resolved(self.media), cards=cards)

    @property
    def offer_ends_at(self) -> datetime | None:
        """When the offer ends; None if there is none."""
        ends_at = self.offer.get("expires_at")
        return datetime.fromisoformat(ends_at) if ends_at else None

    def sku_of(self, card: int | None) -> str | None:
        """The product of a card, or the only product of the message; None if there is none, or several."""
        if card is None:
            return self.products.get("sku")
        product = self.cards[card].get("product") if card < len(self.cards) else None
        return (product or {}).get("sku")

    def skus(self) -> list[str]:
        """Every product that the message shows or names, each once, in order."""
        sections = self.products.get("sections") or ()
        listed = [sku for section in sections for sku in section.get("skus") or ()]
        cards = [self.sku_of(card) for card in range(len(self.cards))]
        return list(dict.fromkeys(sku for sku in (self.sku_of(None), *listed, *cards, self.thumbnail_sku) if sku))


def content_of(campaign: Campaign) -> MessageContent:
    """The content of a campaign."""
    return MessageContent.from_columns(campaign.variables, campaign.media, campaign.content)
