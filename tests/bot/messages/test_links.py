"""Codes of tracked links in template messages."""

from typing import Any

from bot.messages.template import TemplateBuilder
from models.clicks.codes import LinkSigner, read_code
from models.templates.content import MessageContent
from models.templates.tracked_links import LinkPlace

BUTTON = {"type": "URL", "text": "Shop", "url": "https://go.example.com/l/{{1}}"}
BUTTONS = {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "No"}, BUTTON]}


def link(url: str) -> dict[str, str]:
    return {"source": "link", "url": url}


def test_each_recipient_has_a_code_of_their_own_in_the_message_and_in_each_card() -> None:
    cards = [{"variables": {"buttons": {"1": link(f"https://shop.example.com/{card}")}}} for card in range(2)]
    content = MessageContent({"buttons": {"1": link("https://shop.example.com/")}}, cards=cards)
    carousel = {"type": "CAROUSEL", "cards": [{"components": [BUTTONS]}, {"components": [BUTTONS]}]}
    signers = {
        LinkPlace("variables: buttons 1", "https://shop.example.com/"): LinkSigner(1, "a"),
        LinkPlace("cards.0.variables: buttons 1", "https://shop.example.com/0"): LinkSigner(2, "b"),
        LinkPlace("cards.1.variables: buttons 1", "https://shop.example.com/1"): LinkSigner(3, "c"),
    }
    builder = TemplateBuilder(
        name="t",
        language="en",
        components=[carousel, BUTTONS],
        parameter_format="POSITIONAL",
        content=content,
        installation="abc",
        links=signers,
    )
    for recipient_id in (7, 8):
        body: dict[str, Any] = builder.build(
            recipient_id=recipient_id, attempt=1, phone="+34600000001", bsuid=None, values={}
        )
        parts = body["template"]["components"]
        found = [part for part in parts if part["type"] == "button"]
        found += [part for card in parts[0]["cards"] for part in card["components"]]
        texts = [part["parameters"][0]["text"] for part in found if part["sub_type"] == "url"]
        codes = [read_code(text) for text in texts]
        assert [(it.link_id, it.recipient_id) for it in codes if it] == [(i, recipient_id) for i in (1, 2, 3)]
        assert [it.is_signed_by(key) for it, key in zip(codes, "abc", strict=True) if it] == [True] * 3


def test_a_named_variable_carries_its_name() -> None:
    named = {"type": "BUTTONS", "buttons": [BUTTON | {"url": "https://go.example.com/l/{{code}}"}]}
    builder = TemplateBuilder(
        name="t",
        language="en",
        components=[named],
        parameter_format="NAMED",
        content=MessageContent({"buttons": {"0": link("https://shop.example.com/")}}),
        installation="abc",
        links={LinkPlace("variables: buttons 0", "https://shop.example.com/"): LinkSigner(1, "a")},
    )
    body = builder.build(recipient_id=7, attempt=1, phone="+34600000001", bsuid=None, values={})
    (part,) = body["template"]["components"]
    assert part["parameters"] == [{"type": "text", "text": LinkSigner(1, "a").code(7), "parameter_name": "code"}]
