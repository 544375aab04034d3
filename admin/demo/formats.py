"""Sends two more campaigns in the demo, a carousel and one with products, to a few people of their own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from admin.operations.campaigns import create_campaign
from admin.operations.catalog import sync_all
from jobs.campaigns.start import start_campaign
from jobs.core.runtime import Runtime
from jobs.imports.contacts import import_contacts
from models.clock import utcnow

TAGS = ("likes shoes", "likes gardens")
"""Each campaign has people of its own, who are in no other one. Nobody of the first campaign has them, so its sums stay."""
PEOPLE = (("Ana Abel", "en"), ("Maximilian Featherstonehaugh", "en"), ("Léa Moreau", "fr"), ("نور حداد", "ar"))
_PHONE = "+3363998{:04d}"
_FIRST_PHONE = 9_990
_NAME: Mapping[str, Any] = {"body": {"1": {"source": "first_name", "fallback": "there"}}}
_COLOURS = {
    "blue": ((38, 84, 140), (150, 196, 232)),
    "red": ((150, 40, 46), (240, 170, 150)),
    "green": ((24, 96, 66), (170, 214, 160)),
}
"""Of a shoe, and of the wall behind it."""
_SIZE = (900, 472)


def send_formats(rt: Runtime, directory: Path, phone_number_id: str, actor: str) -> list[int]:
    """Create and start both campaigns; returns their ids. Raises OperatorError if one cannot be started."""
    people = directory / "window_shoppers.csv"
    lines = (
        f"{_PHONE.format(_FIRST_PHONE + place)},{name},{language},subscribed,web,{TAGS[place % len(TAGS)]}"
        for place, (name, language) in enumerate(PEOPLE)
    )
    people.write_text("\n".join(["phone,name,language,consent,consent_source,tags", *lines, ""]), encoding="utf-8")
    import_contacts(rt, people, actor=actor)
    sync_all(rt, utcnow())
    started = []
    for tag, file in zip(TAGS, (_cards(directory), _products()), strict=True):
        data = {"number": phone_number_id, "audience": {"include": [{"tag": tag}]}, **file}
        campaign = create_campaign(rt, data, actor, directory=directory)
        start_campaign(rt, campaign.id, utcnow(), actor)
        started.append(campaign.id)
    return started


def _cards(directory: Path) -> dict[str, Any]:
    cards = []
    for name in _COLOURS:
        medium = {"header": {"file": _picture(directory, name).name}}
        cards.append({"media": medium, "variables": {"buttons": {"1": {"source": "text", "text": name}}}})
    return {
        "name": "Spring shoes",
        "template": {"name": "spring_cards", "language": "en"},
        "variables": _NAME,
        "cards": cards,
    }


def _products() -> dict[str, Any]:
    sections = [
        {"title": "For the garden", "skus": ["SKU-1", "SKU-2"]},
        {"title": "For the sofa", "skus": ["SKU-5", "SKU-8"]},
    ]
    return {
        "name": "Spring home",
        "template": {"name": "spring_products", "language": "en"},
        "variables": {**_NAME, "header": {"1": {"source": "first_name", "fallback": "you"}}},
        "products": {"sections": sections},
        "thumbnail_sku": "SKU-1",
    }


def _picture(directory: Path, name: str) -> Path:
    """A picture of a shoe in front of a wall, in the format that carousels show."""
    path = directory / f"{name}.png"
    shoe, wall = _COLOURS[name]
    image = Image.new("RGB", _SIZE, wall)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 360, *_SIZE), fill=tuple(channel * 3 // 4 for channel in wall))
    draw.ellipse((180, 330, 740, 400), fill=tuple(channel // 2 for channel in wall))
    draw.polygon([(220, 170), (360, 170), (420, 240), (640, 280), (720, 330), (720, 362), (220, 362)], fill=shoe)
    draw.rectangle((210, 350, 726, 378), fill=(250, 250, 246))
    for place in range(4):
        draw.line(
            (372 + place * 50, 226 + place * 14, 420 + place * 50, 214 + place * 14), fill=(250, 250, 246), width=8
        )
    image.save(path)
    return path
