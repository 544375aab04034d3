"""The messages of the benchmark of the send path: a text, and a carousel of ten cards with variables in each."""

from dataclasses import dataclass
from typing import Any

from models.templates.content import MessageContent
from tests.support.sending_rig import SPRING

CARDS = 10


@dataclass(frozen=True)
class BenchFormat:
    """A template, and what a campaign and a person add to it."""

    template: str
    components: list[dict[str, Any]]
    content: MessageContent
    values: dict[str, Any]


def _card() -> dict[str, Any]:
    buttons = [
        {"type": "QUICK_REPLY", "text": "More"},
        {"type": "URL", "text": "Shop", "url": "https://shop.example/p/{{1}}", "example": ["blue"]},
    ]
    return {
        "components": [
            {"type": "HEADER", "format": "IMAGE"},
            {"type": "BODY", "text": "For you, {{1}}: {{2}} off.", "example": {"body_text": [["Ann", "20%"]]}},
            {"type": "BUTTONS", "buttons": buttons},
        ]
    }


def _content() -> MessageContent:
    media = [{"header": {"link": f"https://shop.example/{card}.jpg"}} for card in range(CARDS)]
    return MessageContent(cards=[{"media": each} for each in media])


def _values() -> dict[str, Any]:
    values: dict[str, Any] = {"body": {"1": "Ann"}}
    for card in range(CARDS):
        values[f"cards.{card}.body"] = {"1": "Ann", "2": "20%"}
        values[f"cards.{card}.buttons"] = {"1": f"blue-{card}"}
    return values


TEXT = BenchFormat("spring_sale", SPRING, MessageContent(), {"body": {"1": "Ann", "2": "20%"}})
CAROUSEL = BenchFormat(
    "ten_cards",
    [
        {"type": "BODY", "text": "For you, {{1}}, today:", "example": {"body_text": [["Ann"]]}},
        {"type": "CAROUSEL", "cards": [_card() for _ in range(CARDS)]},
    ],
    _content(),
    _values(),
)
BENCH_FORMATS = {"text": TEXT, "carousel": CAROUSEL}
