"""What Meta takes at most: a text with its values, a code, a URL."""

from typing import Any

import pytest

from models.tables.template import Template
from models.templates.content import MessageContent
from models.templates.lengths import TemplateLengths
from models.templates.variables import check_mapping

COUPON = {"type": "COPY_CODE", "example": "A"}
URL = {"type": "URL", "text": "Shop", "url": "https://x.test/s?c={{1}}"}


def _buttons(*buttons: dict[str, Any]) -> dict[str, Any]:
    return {"type": "BUTTONS", "buttons": list(buttons)}


def _problem(components: list[dict[str, Any]], values: dict[str, Any]) -> str | None:
    problem = TemplateLengths(components).problem(values)
    return None if problem is None else str(problem)


@pytest.mark.parametrize(
    ("components", "values", "most"),
    [
        ([_buttons(COUPON)], lambda n: {"buttons": {"0": "A" * n}}, 20),
        ([_buttons(URL, COUPON)], lambda n: {"buttons": {"0": "x", "1": "A" * n}}, 20),
        ([{"type": "LIMITED_TIME_OFFER"}, _buttons(COUPON)], lambda n: {"offer": {"code": "A" * n}}, 15),
        ([_buttons({"type": "OTP"})], lambda n: {"buttons": {"0": "1" * n}}, 15),
        ([{"type": "BODY", "add_security_recommendation": True}], lambda n: {"body": {"1": "1" * n}}, 15),
        ([{"type": "HEADER", "format": "TEXT", "text": "For {{1}}"}], lambda n: {"header": {"1": "é" * (n - 4)}}, 60),
        ([{"type": "header", "text": "{{who}}"}], lambda n: {"header": {"who": "😀" * n}}, 60),
        ([{"type": "BODY", "text": "{{1}}{{2}}"}], lambda n: {"body": {"1": "a" * 500, "2": "b" * (n - 500)}}, 1024),
        ([{"type": "BODY", "text": "{{1}} {{1}}."}], lambda n: {"body": {"1": "a" * ((n - 2) // 2)}}, 1024),
        (
            [{"type": "BODY", "text": "{{1}}"}, {"type": "LIMITED_TIME_OFFER"}],
            lambda n: {"body": {"1": "a" * n}},
            600,
        ),
        ([{"type": "BODY", "text": "{{1}}"}, _buttons({"type": "SPM"})], lambda n: {"body": {"1": "a" * n}}, 160),
        ([_buttons(URL)], lambda n: {"buttons": {"0": "é" * ((n - 19) // 6)}}, 2000),
    ],
)
def test_a_part_with_its_values_may_be_as_long_as_meta_takes_and_no_longer(
    components: list[dict[str, Any]], values: Any, most: int
) -> None:
    assert _problem(components, values(most)) is None
    problem = _problem(components, values(most + 6))
    assert problem is not None
    assert str(most) in problem


def test_a_text_without_variables_is_metas_own_affair() -> None:
    assert _problem([{"type": "BODY", "text": "a" * 2000}, _buttons(URL | {"url": "https://x.test/"})], {}) is None


def test_a_fixed_text_that_is_too_long_is_refused_in_the_mapping() -> None:
    template = Template(name="t", language="en", components=[{"type": "BODY", "text": "Hi"}, _buttons(COUPON)])
    mapping = {"buttons": {"0": {"source": "text", "text": "A" * 21}}}
    assert check_mapping(template, MessageContent(mapping)) == ["variables: buttons 0: it is longer than 20 characters"]
    mapping = {"buttons": {"0": {"source": "tag", "tag": "t", "fallback": "A" * 21}}}
    assert check_mapping(template, MessageContent(mapping)) == ["variables: buttons 0: it is longer than 20 characters"]
    mapping["buttons"]["0"]["fallback"] = "ABCDEFGHIJKLMNOPQ"
    assert check_mapping(template, MessageContent(mapping)) == []
