"""Defines what a phone shows of a message, and what a person's tap on it says."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Choice:
    """Something to tap. ``kind``: ``quick_reply``, ``flow`` or ``products`` of a template, ``button_reply``, ``list_reply``, or
    ``link`` (no message).

    ``payload`` comes back with the tap: of a form its token. ``skus`` are the products that it shows, ``url`` is what a link opens.
    """

    kind: str
    title: str
    payload: str
    description: str = ""
    card: int | None = None
    skus: tuple[str, ...] = ()
    url: str = ""


@dataclass
class SandboxCard:
    """A card of a carousel."""

    header: str
    text: str
    choices: list[Choice] = field(default_factory=list)


@dataclass
class SandboxBubble:
    """A message as the phone shows it. ``choices`` are its own and then those of its cards."""

    text: str
    header: str = ""
    footer: str = ""
    choices: list[Choice] = field(default_factory=list)
    cards: list[SandboxCard] = field(default_factory=list)


def reply_to(
    choice: Choice,
    *,
    answers: Mapping[str, Any] | None = None,
    skus: Sequence[str] = (),
    catalog_id: str = "",
) -> dict[str, Any] | None:
    """Return the webhook content of a tap, None if the choice only opens a link.

    ``answers`` are those of a form. ``skus`` are the products in the cart, by default the first one that the message shows.
    """
    if choice.kind == "quick_reply":
        return {"type": "button", "button": {"payload": choice.payload, "text": choice.title}}
    if choice.kind == "flow":
        response = {"flow_token": choice.payload, **(answers or {})}
        reply: dict[str, Any] = {"name": "flow", "body": "Sent", "response_json": json.dumps(response)}
        return {"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": reply}}
    if choice.kind == "products":
        ordered = list(skus) or list(choice.skus[:1])
        if not ordered:
            return None
        items = [{"product_retailer_id": sku, "quantity": 1, "item_price": 10, "currency": "EUR"} for sku in ordered]
        return {"type": "order", "order": {"catalog_id": catalog_id, "text": "", "product_items": items}}
    if choice.kind == "link":
        return None
    reply = {"id": choice.payload, "title": choice.title}
    if choice.description:
        reply["description"] = choice.description
    return {"type": "interactive", "interactive": {"type": choice.kind, choice.kind: reply}}
