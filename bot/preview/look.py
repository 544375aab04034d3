"""Says how a message is drawn: on which side, in which colours, and what happens when something is tapped."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from bot.preview.words import ENGLISH, PhoneWords


@dataclass(frozen=True, slots=True)
class Tap:
    """Something that can be tapped. `kind`: a `ButtonKind`'s word or `row`; `card`: the card's index, None outside of cards.

    `place`: the button's index in the message or card, the row's over all sections.
    """

    kind: str
    title: str
    place: int
    payload: str
    card: int | None = None


Theme = Literal["auto", "light", "dark"]
TapAttributes = Callable[[Tap], Mapping[str, str] | None]
"""The attributes of a button that is really tapped (`data-…`); None for one that does nothing."""


@dataclass(frozen=True, slots=True)
class Look:
    """`side`: `in` for what the phone received, `out` for what it sent. `theme`: `auto` follows the reader's system.

    `stamp`: the time and ticks in the corner, a `Markup` or text. `now`: in seconds since 1970, for the countdown of an offer.
    """

    side: Literal["in", "out"] = "in"
    theme: Theme = "auto"
    stamp: str = ""
    now: float | None = None
    opens_links: bool = False
    tap: TapAttributes | None = None
    label: str = ""
    words: PhoneWords = ENGLISH


DEFAULT_LOOK = Look()
