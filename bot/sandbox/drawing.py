"""Draws the messages of a chat on the simulated phone, with buttons that are really tapped."""

from collections.abc import Iterator, Sequence
from typing import Any

from aiohttp import web
from markupsafe import Markup

from bot.preview import stylesheet
from bot.preview.bubble import Bubble
from bot.preview.draw import draw
from bot.preview.look import Look, Tap, TapAttributes
from bot.preview.message import message_bubble
from bot.preview.pictures import DrawnMedium, DrawnProduct, Pictures
from bot.sandbox.choices import Choice
from bot.sandbox.links import is_on_this_machine
from bot.sandbox.simulation import SIM, Simulation
from bot.sandbox.store import SandboxInbound, SandboxMessage

STYLE_PATH = "/_sandbox/preview.css"
MEDIA_PATH = "/_sandbox/media"
FORMS = ("flow", "products")
"""Choices that open something to fill in: the page draws it below the message."""
SHOWN_TYPES = ("image/jpeg", "image/png", "image/webp")
_STYLE = (stylesheet.DIRECTORY / stylesheet.NAME).read_bytes()


async def serve_style(_request: web.Request) -> web.StreamResponse:
    """``GET /_sandbox/preview.css``: the style sheet of drawn messages."""
    return web.Response(body=_STYLE, content_type="text/css", charset="utf-8")


async def serve_picture(request: web.Request) -> web.StreamResponse:
    """``GET /_sandbox/media/{id}``: an uploaded picture, for the page alone. Anything else is 404."""
    media = request.app[SIM].media.items.get(request.match_info["node"])
    if media is None or media.mime_type not in SHOWN_TYPES:
        raise web.HTTPNotFound
    headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'"}
    return web.Response(body=media.data, content_type=media.mime_type, headers=headers)


def bubble_of(sim: Simulation, entry: SandboxMessage | SandboxInbound) -> Bubble:
    """The typed bubble of a message of either side."""
    if isinstance(entry, SandboxInbound):
        return message_bubble(entry.raw, pictures_of(sim, entry.raw))
    message = {"type": entry.kind, entry.kind: {"name": entry.template}} | (entry.body or {})
    template = sim.crowd.template_of(entry) if entry.kind == "template" else None
    components, category = (template.components, template.category) if template else (None, "")
    return message_bubble(message, pictures_of(sim, message), components=components, category=category)


def draw_entry(sim: Simulation, entry: SandboxMessage | SandboxInbound, stamp: Markup, now: float) -> Markup:
    """The HTML of a message. ``stamp`` is its time with the ticks, ``now`` in seconds since 1970."""
    bubble = bubble_of(sim, entry)
    if isinstance(entry, SandboxInbound):
        return draw(bubble, Look(side="out", stamp=stamp, label="Message of this person"))
    choices = sim.crowd.bubble_of(entry).choices
    look = Look(stamp=stamp, now=now, tap=_taps(bubble, entry.wamid, choices), label="Message of the business")
    return draw(bubble, look)


def _taps(bubble: Bubble, wamid: str, choices: Sequence[Choice]) -> TapAttributes:
    """What each button of the drawn message is in the list of the message's choices: its own, then those of its cards."""
    starts = [len(bubble.buttons)]
    for card in bubble.cards:
        starts.append(starts[-1] + len(card.buttons))

    def attributes(tap: Tap) -> dict[str, str] | None:
        place = tap.place if tap.card is None else starts[tap.card] + tap.place
        if tap.kind == "product_row" or place >= len(choices) or choices[place].kind in FORMS:
            return None
        if choices[place].kind == "link" and not is_on_this_machine(choices[place].url):
            return None
        return {"data-wamid": wamid, "data-choice": str(place)}

    return attributes


def pictures_of(sim: Simulation, message: Any) -> Pictures:
    """The uploaded pictures and the products that a message names."""
    media = {}
    products = {}
    for key, value in _texts(message):
        if key == "id" and (item := sim.media.items.get(value)) is not None:
            url = f"{MEDIA_PATH}/{item.id}" if item.mime_type in SHOWN_TYPES else ""
            media[value] = DrawnMedium(url, item.filename, len(item.data))
        elif key in ("product_retailer_id", "thumbnail_product_retailer_id") and (product := _product(sim, value)):
            products[value] = product
    return Pictures(media, products)


def _product(sim: Simulation, sku: str) -> DrawnProduct | None:
    for catalog in sim.world.catalogs.by_id.values():
        if (product := catalog.product(sku)) is not None:
            return DrawnProduct(str(product.get("name", "")), str(product.get("price", "")))
    return None


def _texts(part: Any) -> Iterator[tuple[str, str]]:
    """Every text and number of a JSON value with its key. It came as JSON, whose depth the parser limits."""
    waiting = [part]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting += item
        elif isinstance(item, dict):
            for key, value in item.items():
                if isinstance(value, str | int):
                    yield key, str(value)
                else:
                    waiting.append(value)
