"""Reading definitions: everything that Meta publishes, and anything else that JSON can be."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.templates.definition.buttons import CopyCodeButton, QuickReply, UrlButton
from models.templates.definition.headers import MediaHeader, ProductHeader, TextHeader
from models.templates.definition.parse import check_template_json, definition_json
from models.templates.definition.problems import DefinitionError
from models.templates.definition.texts import AuthenticationBody, Body
from tests.support.template_files import PUBLISHED, changed, template_json

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=25,
)
WORDS = st.sampled_from(
    [
        "type",
        "text",
        "format",
        "HEADER",
        "BODY",
        "BUTTONS",
        "CAROUSEL",
        "cards",
        "components",
        "buttons",
        "{{1}}",
        "{{a}}",
        "{{",
    ]
)


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_definition_that_meta_publishes_is_accepted_and_written_as_it_was(name: str) -> None:
    checked = check_template_json(template_json(name))
    assert [str(problem) for problem in checked.problems] == []
    definition = checked.valid()
    again = check_template_json(definition.to_json())
    assert again.problems == ()
    assert again.valid() == definition


def test_types_and_formats_may_have_any_case() -> None:
    definition = check_template_json(template_json("order_ready")).valid()
    assert isinstance(definition.header, TextHeader)
    assert definition.parameter_format == "NAMED"
    assert definition.header.example.of("first_name") == "Ana"
    assert definition.to_json()["components"][0]["format"] == "TEXT"


def test_the_parts_have_types() -> None:
    offer = check_template_json(template_json("lto")).valid()
    assert isinstance(offer.header, MediaHeader)
    assert (offer.header.format, offer.header.handle) == ("IMAGE", "4::aW..")
    assert isinstance(offer.body, Body)
    assert offer.offer is not None
    assert (offer.offer.text, offer.offer.has_expiration) == ("Expiring offer!", True)
    assert [type(button) for button in offer.buttons] == [CopyCodeButton, UrlButton]
    cards = check_template_json(template_json("media_cards")).valid().carousel
    assert cards is not None
    assert [type(button) for button in cards.cards[1].buttons] == [QuickReply, UrlButton]
    products = check_template_json(template_json("product_cards")).valid().carousel
    assert products is not None
    assert isinstance(products.cards[0].header, ProductHeader)
    assert isinstance(check_template_json(template_json("login_code")).valid().body, AuthenticationBody)


@pytest.mark.parametrize("sample", ["Ana", ["Ana"], [["Ana"]]])
def test_samples_are_read_in_all_three_shapes(sample: Any) -> None:
    definition = changed(template_json("catalog"), "components.0.example.body_text", sample)
    body = check_template_json(definition).valid().body
    assert isinstance(body, Body)
    assert body.example.of("1") == "Ana"


def test_fields_that_hark_does_not_know_go_on_to_meta() -> None:
    definition = changed(template_json("coupon"), "components.1.new_field", {"a": [1]})
    definition = changed(definition, "degrees_of_freedom_spec", {"creative": "x"})
    written = check_template_json(definition).valid().to_json()
    assert written["degrees_of_freedom_spec"] == {"creative": "x"}
    assert written["components"][1]["new_field"] == {"a": [1]}


@pytest.mark.parametrize(
    ("definition", "problem"),
    [
        (None, "definition: must be an object with name, language, category and components, not null"),
        ([], "definition: must be an object with name, language, category and components, not a list"),
        ({"components": 3}, "components: must be a list, not a number"),
        ({"components": ["x"]}, "components[0]: must be an object, not a text"),
        ({"components": [{"type": "BODY", "text": 5}]}, "components[0].text: must be text, not a number"),
        ({"components": [{"type": "BODI"}]}, "components[0].type: 'BODI' is not one of HEADER, BODY, FOOTER"),
        ({"name": "a\x00"}, "name: has a character that no message can hold"),
        ({"name": "\ud800"}, "name: has a character that no message can hold"),
        ({}, "components: is missing; the least is a BODY with a text"),
        ({}, "category: is missing; allowed are MARKETING, UTILITY, AUTHENTICATION"),
    ],
)
def test_another_shape_is_a_problem_at_its_place(definition: Any, problem: str) -> None:
    problems = [str(found) for found in check_template_json(definition).problems]
    assert any(found.startswith(problem) for found in problems), problems


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"{", "not JSON: Expecting property name enclosed in double quotes in line 1, column 2"),
        (b"\xff", "the file is not UTF-8 text"),
        (b"[" * 100_000, "not JSON that can be read"),
        (b"1" * 5_000, "not JSON that can be read"),
        (b" " * 1_000_001, "the file has more than 1000000 bytes"),
    ],
)
def test_a_file_that_is_no_json_is_one_line(content: bytes, problem: str) -> None:
    with pytest.raises(DefinitionError, match=problem.split(" in line", maxsplit=1)[0]) as refusal:
        definition_json(content)
    assert "\n" not in str(refusal.value)


def test_a_file_may_begin_with_a_byte_order_mark() -> None:
    assert definition_json(b'\xef\xbb\xbf{"name": "x"}') == {"name": "x"}


def test_all_problems_stand_in_one_line_of_bounded_length() -> None:
    definition = template_json("seasonal_promo")
    definition["components"][3]["buttons"] = [{"type": "URL"}] * 90
    with pytest.raises(DefinitionError, match=r"; and \d+ more$") as refusal:
        check_template_json(definition).valid()
    assert len(refusal.value.problems) > 20
    assert "\n" not in str(refusal.value)


@given(ANY_JSON)
def test_no_json_whatever_raises(data: Any) -> None:
    assert check_template_json(data).problems


@given(st.sampled_from(PUBLISHED), st.data())
def test_no_change_of_a_published_definition_raises(name: str, data: st.DataObject) -> None:
    definition = template_json(name)
    for _ in range(data.draw(st.integers(1, 3))):
        _spoil(definition, data)
    checked = check_template_json(definition)
    for problem in checked.problems:
        assert str(problem)
    if not checked.problems:
        assert check_template_json(checked.valid().to_json()).problems == ()


def _spoil(definition: Any, data: st.DataObject) -> None:
    """Replace, remove or double something somewhere."""
    inner = definition
    while True:
        keys = list(range(len(inner))) if isinstance(inner, list) else list(inner)
        if not keys:
            return
        key = data.draw(st.sampled_from(keys))
        if not isinstance(inner[key], dict | list) or data.draw(st.integers(0, 3)) == 0:
            break
        inner = inner[key]
    how = data.draw(st.sampled_from(["replace", "remove", "double"]))
    if how == "remove":
        del inner[key]
    elif how == "double" and isinstance(inner, list):
        inner.append(copy.deepcopy(inner[key]))
    else:
        inner[key] = data.draw(ANY_JSON | WORDS)
