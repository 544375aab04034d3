"""A preview never fails: JSON of any shape gives HTML, and nothing in it is loaded from outside or runs."""

import json
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.preview.bubble import Bubble
from bot.preview.draw import draw
from bot.preview.look import Look
from bot.preview.message import message_bubble
from bot.preview.pictures import DrawnMedium, DrawnProduct, Pictures, own_address
from bot.preview.template import template_bubble
from bot.preview.template_values import example_values, sent_values
from tests.support.preview_gallery import TEMPLATES
from tests.support.preview_messages import MESSAGES

EVIL = "<img src=x onerror=alert(1)>\"'&"
_SAMPLES = [*MESSAGES.values(), *([one.components, one.sent] for one in TEMPLATES.values())]
WORDS = sorted({word for sample in _SAMPLES for word in re.findall(r'"([^"]+)":', json.dumps(sample))})
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from([EVIL, "", "HEADER", "body", "{{1}}", "nan", "1e999"])
    | st.text(max_size=5)
)
ANY = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=25,
)


def mutated(value: Any, draw_one: Any) -> Any:
    """The same JSON with some values replaced by anything."""
    if draw_one(st.integers(0, 12)) == 0:
        return draw_one(ANY)
    if isinstance(value, dict):
        return {key: mutated(item, draw_one) for key, item in value.items()}
    if isinstance(value, list):
        return [mutated(item, draw_one) for item in value]
    return value


def check(bubble: Bubble) -> None:
    html = str(draw(bubble, Look(now=0.0, opens_links=True)))
    for tag in re.findall(r"<[^>]*>", html):
        bare = re.sub(r'"[^"]*"', '""', tag)
        assert re.fullmatch(r"</?[a-z]+( [a-zA-Z-]+(=\"\")?)*/?>", bare), tag
        assert not re.search(r" (on\w+|style)=", bare)
    assert "<script" not in html
    assert not re.search(r'src="(?!/)', html)
    assert "javascript:" not in "".join(re.findall(r'href="[^"]*"', html))


@given(ANY)
def test_any_json_is_drawn_as_a_message(message: Any) -> None:
    check(message_bubble(message, components=message))


@settings(max_examples=60)
@given(st.data(), st.sampled_from(sorted(MESSAGES)))
def test_a_message_with_anything_in_it_is_drawn(data: st.DataObject, name: str) -> None:
    check(message_bubble(mutated(MESSAGES[name], data.draw)))


@settings(max_examples=60)
@given(st.data(), st.sampled_from(sorted(TEMPLATES)))
def test_a_template_with_anything_in_it_is_drawn(data: st.DataObject, name: str) -> None:
    sample = TEMPLATES[name]
    components, sent = mutated(sample.components, data.draw), mutated(sample.sent, data.draw)
    check(template_bubble(components))
    check(template_bubble(components, sent_values({"components": sent}), category="MARKETING"))
    check(template_bubble(components, example_values(sent)))


@given(st.sampled_from(sorted(TEMPLATES)))
def test_every_text_is_escaped(name: str) -> None:
    def evil(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: item if key in ("type", "format", "sub_type", "index") else evil(item)
                for key, item in value.items()
            }
        return [evil(item) for item in value] if isinstance(value, list) else EVIL if isinstance(value, str) else value

    sample = TEMPLATES[name]
    check(template_bubble(evil(sample.components), sent_values({"components": evil(sample.sent)})))


def test_pictures_come_from_the_server_that_shows_the_page_and_from_no_other() -> None:
    assert own_address("/media/1?size=2") == "/media/1?size=2"
    for url in (
        "https://evil.test/x",
        "//evil.test/x",
        "/\\evil.test",
        "javascript:alert(1)",
        "data:image/png,x",
        "",
        "/a\nb",
    ):
        assert own_address(url) is None
    outside = "https://evil.test/a.jpg"
    pictures = Pictures({"1": DrawnMedium(outside)}, {"SKU": DrawnProduct("n", "p", outside)})
    for message in (
        {"type": "image", "image": {"id": "1"}},
        {"type": "image", "image": {"link": outside}},
        {"type": "interactive", "interactive": {"type": "product", "action": {"product_retailer_id": "SKU"}}},
    ):
        assert "evil" not in str(draw(message_bubble(message, pictures)))
