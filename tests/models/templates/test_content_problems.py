"""What does not fit a template, or is missing, in each format."""

from datetime import UTC, datetime
from typing import Any

import pytest

from models.tables.template import Template
from models.templates.content import MessageContent
from models.templates.content_problems import MappingProblem
from models.templates.variables import check_mapping, mapping_problems
from tests.support.message_formats import BY_NAME, FORMATS, Format

NOW = datetime(2026, 11, 27, tzinfo=UTC)
TWO_CARDS = ({"product": {"sku": "a"}}, {"product": {"sku": "b"}})


def _content(each: Format) -> MessageContent:
    added = each.added
    return MessageContent.from_columns(added.get("variables", {}), added.get("media", {}), added)


def _template(name: str) -> Template:
    each = BY_NAME[name]
    return Template(name=name, language="en", components=each.components)


def _problems(name: str, content: MessageContent) -> list[MappingProblem]:
    return mapping_problems(_template(name), content, NOW)


@pytest.mark.parametrize("each", FORMATS, ids=lambda each: each.name)
def test_a_complete_content_has_no_problem_and_an_empty_one_only_gaps(each: Format) -> None:
    assert check_mapping(_template(each.name), _content(each), NOW) == []
    gaps = mapping_problems(_template(each.name), MessageContent(), NOW)
    assert all(problem.is_gap for problem in gaps)
    assert bool(gaps) is (each.name not in {"form"})


@pytest.mark.parametrize("each", FORMATS, ids=lambda each: each.name)
def test_what_belongs_to_another_format_is_refused_with_its_field(each: Format) -> None:
    foreign: dict[str, dict[str, Any]] = {
        "cards": {"cards": TWO_CARDS},
        "products": {"products": {"sku": "a"}},
        "thumbnail_sku": {"thumbnail_sku": "a"},
        "offer": {"offer": {"expires_at": "2126-01-01T00:00:00+00:00"}},
        "location": {"location": {"latitude": 1.0, "longitude": 1.0}},
        "flow_data": {"flow_data": {"x": {"source": "text", "text": "y"}}},
        "media": {"media": {"header": {"id": "1"}}},
    }
    own = set(each.added) | ({"thumbnail_sku"} if each.name == "product_list" else set())
    for field in foreign.keys() - own:
        problems = _problems(each.name, MessageContent(**foreign[field]))
        assert any(problem.line.startswith(field) and not problem.is_gap for problem in problems), field


@pytest.mark.parametrize(
    ("name", "content", "line", "is_gap"),
    [
        (
            "media_cards",
            {"cards": [{}]},
            "cards: 1 cards are given; allowed are exactly 2, as many as in the template",
            True,
        ),
        (
            "media_cards",
            {"cards": [{}] * 3},
            "cards: 3 cards are given; allowed are exactly 2, as many as in the template",
            False,
        ),
        (
            "media_cards",
            {"cards": [{}, {}]},
            "cards.1.media: the card's header needs one image (link, id or file)",
            True,
        ),
        ("media_cards", {"cards": [{}, {}]}, "cards.1.variables: buttons 1 is not mapped", True),
        ("media_cards", {"cards": TWO_CARDS}, "cards.0.product: the template's cards show no products", False),
        ("product_cards", {"cards": TWO_CARDS[:1]}, "cards: 1 cards are given; allowed are from 2 to 10", True),
        ("product_cards", {"cards": TWO_CARDS * 6}, "cards: 12 cards are given; allowed are from 2 to 10", False),
        ("product_cards", {"cards": [{}, {}]}, "cards.0.product: sku is missing", True),
        (
            "product_cards",
            {"cards": [{"media": {"header": {"id": "1"}}}]},
            "cards.0.media: the card's header takes no",
            False,
        ),
        (
            "product_list",
            {"products": {"sku": "a"}},
            "products.sku: the template shows a list of products",
            False,
        ),
        (
            "product_list",
            {"products": {"sections": [{"title": "A" * 25, "skus": ["a"]}]}},
            "products.sections.0.title: it has 25 characters; allowed are at most 24",
            False,
        ),
        (
            "product_list",
            {"products": {"sections": [{"title": "A", "skus": ["a"] * 31}]}},
            "products: 31 products are given; allowed are at most 30 in all sections",
            False,
        ),
        (
            "product_list",
            {"products": {"sections": [{"title": "A", "skus": ["a"]}] * 11}},
            "products.sections: 11 sections are given; allowed are at most 10",
            False,
        ),
        ("single_product", {"products": {"sections": []}}, "products: sku is missing", True),
        (
            "catalog",
            {"products": {"sku": "a"}},
            "products: the template shows the whole catalog; allowed is thumbnail_sku",
            False,
        ),
        (
            "offer",
            {"offer": {"expires_at": "2026-11-26T23:00:00+00:00"}},
            "offer.expires_at=2026-11-26T23:00:00+00:00: allowed is a time in the future",
            False,
        ),
        ("offer", {}, "offer: expires_at is missing, such as 2026-12-24T23:59:00+01:00", True),
        ("offer", {}, "offer.code is not mapped", True),
        (
            "offer",
            {"offer": {"code": {"source": "text", "text": "A" * 16}}},
            "variables: offer code: it is longer than 15 characters",
            False,
        ),
        (
            "location",
            {"location": {"latitude": 91.0, "longitude": 1.0}},
            "location.latitude=91.0: allowed is a number",
            False,
        ),
        ("location", {"location": {"latitude": 1.0}}, "location: longitude is missing", True),
        (
            "form",
            {"flow_data": {"city": {"source": "shoe"}}},
            "flow_data: city: source 'shoe' is not one of name, first_name, last_name",
            False,
        ),
        (
            "text_positional",
            {"variables": {"body": {"1": {"source": "product", "field": "name"}}}},
            "variables: body 1: a product source needs the product of its card, or one product of the message",
            False,
        ),
        (
            "text_positional",
            {"variables": {"body": {"1": {"source": "text", "text": "soon", "format": "date"}}}},
            "variables: body 1: text: “soon” is no day such as 2026-12-24",
            False,
        ),
        (
            "text_positional",
            {"variables": {"body": {"1": {"source": "name", "format": "money"}}}},
            "variables: body 1: format 'money' does not fit the source name",
            False,
        ),
        (
            "text_positional",
            {"variables": {"body": {"1": {"source": "name", "format": "bold"}}}},
            "variables: body 1: format 'bold' is not one of upper, lower, title, date, money",
            False,
        ),
    ],
)
def test_a_problem_says_the_field_and_what_is_allowed(
    name: str, content: dict[str, Any], line: str, is_gap: bool
) -> None:
    problems = _problems(name, MessageContent(**content))
    assert [problem.is_gap for problem in problems if problem.line.startswith(line)] == [is_gap], problems


def test_a_body_of_a_card_is_shorter_than_that_of_a_message() -> None:
    text = {"source": "text", "text": "A" * 156}
    card = {"media": {"header": {"id": "1"}}, "variables": {"body": {"1": text}}}
    content = MessageContent(cards=[card, {}])
    assert "variables: card 1 body: with its values it has 162 characters; Meta takes at most 160" in [
        problem.line for problem in _problems("media_cards", content)
    ]


def test_an_offer_that_does_not_end_takes_no_end() -> None:
    components: list[dict[str, Any]] = [
        {"type": "BODY", "text": "Hi"},
        {"type": "LIMITED_TIME_OFFER", "limited_time_offer": {"text": "Now", "has_expiration": False}},
    ]
    template = Template(name="t", language="en", components=components)
    assert check_mapping(template, MessageContent(), NOW) == []
    content = MessageContent(offer={"expires_at": "2126-01-01T00:00:00+00:00"})
    assert check_mapping(template, content, NOW) == ["offer.expires_at: the template's offer has no end"]


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("media_cards", {"cards": [{}, {}]}, "media"),
        ("offer", {"offer": {"expires_at": "2026-11-26T23:00:00+00:00"}}, "offer"),
        ("text_positional", {"location": {"latitude": 1.0}}, "location"),
        ("product_list", {}, "products"),
        ("media_cards", {}, "cards"),
    ],
)
def test_a_problem_says_which_part_it_is_about(name: str, content: dict[str, Any], part: str) -> None:
    problems = _problems(name, MessageContent(**content))
    assert {problem.part for problem in problems} <= {part, "variables", "media"}
    assert part in {problem.part for problem in problems}
    assert all(problem.remedy for problem in problems)
