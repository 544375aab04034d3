"""Where a tracked link may stand in a message."""

from typing import Any

import pytest

from models.tables.template import Template
from models.templates.content import MessageContent
from models.templates.sources import source_problem
from models.templates.tracked_links import base_problems, tracked_urls
from models.templates.variables import check_mapping

BASE = "https://go.example.com"
TRACKED = {"type": "URL", "text": "Shop", "url": f"{BASE}/l/{{{{1}}}}"}
LINK = {"source": "link", "url": "https://shop.example.com/spring"}
BODY = {"type": "BODY", "text": "Hi {{1}}"}


def template_of(*components: dict[str, Any]) -> Template:
    return Template(name="spring", language="en", components=list(components), parameter_format="POSITIONAL")


def buttons_part(*buttons: dict[str, Any]) -> dict[str, Any]:
    return {"type": "BUTTONS", "buttons": list(buttons)}


CAROUSEL = {"type": "CAROUSEL", "cards": [{"components": [buttons_part(TRACKED)]} for _ in range(2)]}


def test_a_tracked_link_is_a_source_without_fallback_or_format() -> None:
    assert source_problem(LINK) is None
    assert "url is missing" in str(source_problem({"source": "link"}))
    for extra in ("fallback", "format", "text", "field"):
        assert source_problem(LINK | {extra: "x"}) == f"{extra!r} does not belong to a link source"


def test_it_stands_at_the_end_of_a_link_button_of_the_message_or_of_a_card() -> None:
    plain = MessageContent({"body": {"1": {"source": "name"}}, "buttons": {"0": LINK}})
    assert check_mapping(template_of(BODY, buttons_part(TRACKED)), plain) == []
    cards = [{"variables": {"buttons": {"0": LINK}}} for _ in range(2)]
    in_cards = MessageContent({"body": {"1": {"source": "name"}}}, cards=cards)
    template = template_of(BODY, CAROUSEL)
    assert check_mapping(template, in_cards) == []
    assert tracked_urls(template.components, in_cards) == [TRACKED["url"]] * 2
    assert list(base_problems(template.components, in_cards, BASE)) == []
    (one, two) = map(str, base_problems(template.components, in_cards, "https://other.example.com"))
    assert one.startswith("cards.0.variables: buttons 0: the button opens https://go.example.com/l/{{1}}")
    assert two.startswith("cards.1.variables: buttons 0")


@pytest.mark.parametrize(
    ("components", "content"),
    [
        ([BODY], MessageContent({"body": {"1": LINK}})),
        ([{"type": "HEADER", "format": "TEXT", "text": "{{1}}"}, BODY], MessageContent({"header": {"1": LINK}})),
        ([BODY, buttons_part({"type": "COPY_CODE"})], MessageContent({"buttons": {"0": LINK}})),
        ([BODY, buttons_part({"type": "OTP"})], MessageContent({"buttons": {"0": LINK}})),
        ([BODY, buttons_part({"type": "FLOW"})], MessageContent(flow_data={"size": LINK})),
        (
            [BODY, {"type": "LIMITED_TIME_OFFER"}, buttons_part({"type": "COPY_CODE"})],
            MessageContent(offer={"code": LINK}),
        ),
    ],
)
def test_it_stands_nowhere_else(components: list[dict[str, Any]], content: MessageContent) -> None:
    problems = check_mapping(template_of(*components), content)
    assert any("a tracked link can only be the end of a link button's address" in line for line in problems)


@pytest.mark.parametrize(
    "url",
    [
        "https://go.example.com/{{1}}",
        "https://go.example.com/l/{{1}}/x",
        "https://go.example.com/l/x{{1}}",
        "https://go.example.com.evil.example/l/{{1}}",
        "http://go.example.com/l/{{1}}",
        "https://go.example.com/l?c={{1}}",
    ],
)
def test_another_base_is_named(url: str) -> None:
    content = MessageContent({"buttons": {"0": LINK}})
    (text,) = base_problems([buttons_part(TRACKED | {"url": url})], content, BASE)
    assert f"the button opens {url}; a tracked link needs https://go.example.com/l/{{{{1}}}}" in str(text)


def test_a_named_variable_is_a_suffix_too() -> None:
    content = MessageContent({"buttons": {"0": LINK}})
    assert list(base_problems([buttons_part(TRACKED | {"url": f"{BASE}/l/{{{{code}}}}"})], content, BASE)) == []
