"""The fields of the campaign file for every format: what is taken, and what is refused with its field and what is allowed."""

from typing import Any

import pytest

from admin.operations.campaign_file import read_campaign
from admin.operations.campaign_values import written_content
from models.errors import OperatorError
from tests.support.message_formats import FORMATS, Format


@pytest.mark.parametrize("each", FORMATS, ids=lambda each: each.name)
def test_the_content_of_every_format_is_read_back_as_it_was_written(each: Format) -> None:
    content = written_content(read_campaign(each.added))
    added = {name: value for name, value in each.added.items() if name not in {"variables", "media"}}
    assert (content.content_column() or {}) == added
    assert (content.variables, content.media) == (each.added.get("variables", {}), each.added.get("media", {}))


def _source(**source: Any) -> dict[str, Any]:
    return {"variables": {"body": {"1": source}}}


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"cards": [{}] * 11}, "cards="),
        ({"cards": [{"picture": 1}]}, "cards.0.picture: there is no such field; allowed are media, variables, product"),
        (
            {"cards": [{"media": {"header": {"link": "http://x.test"}}}]},
            'cards.0.media.header.link="http://x.test": allowed is an https',
        ),
        ({"cards": [{"product": {}}]}, "cards.0.product.sku is missing"),
        ({"cards": [{"product": {"sku": "x" * 101}}]}, "cards.0.product.sku="),
        ({"cards": "two"}, 'cards="two"'),
        ({"products": {"sku": "a", "sections": []}}, "products: allowed is one of sections and sku"),
        ({"products": {"sections": [{"title": "A" * 25, "skus": ["a"]}]}}, "products.sections.0.title="),
        ({"products": {"sections": [{"title": "A", "skus": []}]}}, "products.sections.0.skus="),
        (
            {"products": {"sections": [{"title": "A", "skus": ["a"] * 16}, {"title": "B", "skus": ["b"] * 15}]}},
            "products: 31 products are given; allowed are at most 30 in all sections",
        ),
        ({"products": {"catalog_id": "mine", "sku": "a"}}, 'products.catalog_id="mine": allowed are digits'),
        ({"thumbnail_sku": " "}, 'thumbnail_sku=" "'),
        ({"offer": {"expires_at": "2026-12-24"}}, "offer.expires_at: allowed is a time with its zone"),
        ({"offer": {"expires_at": "Christmas"}}, "offer.expires_at: allowed is a time with its zone"),
        ({"offer": {"ends": "x"}}, "offer.ends: there is no such field; allowed are expires_at, code"),
        ({"location": {"latitude": 91, "longitude": 0}}, "location.latitude=91"),
        ({"location": {"latitude": "37", "longitude": 0}}, 'location.latitude="37"'),
        ({"location": {"latitude": float("nan"), "longitude": 0}}, "location.latitude="),
        ({"flow_data": {"a b": {"source": "name"}}}, "flow_data"),
        ({"flow_data": {"a": {"source": "shoe"}}}, "flow_data.a.source="),
        (_source(source="link", url="http://x.test"), "variables.body.1"),
        (_source(source="order", field="url"), "variables.body.1: field 'url' is not one of number, total"),
        (_source(source="product", field="total"), "variables.body.1: field 'total' is not one of name, price"),
        (_source(source="product"), "variables.body.1: source 'product' needs the field 'field'"),
        (_source(source="name", format="bold"), 'variables.body.1.format="bold"'),
        (
            _source(source="tag", tag="a", format="money", currency="euro"),
            'variables.body.1.currency="euro": allowed is a code',
        ),
        ({"opt_out_buttons": ["10"]}, "opt_out_buttons.0="),
    ],
)
def test_a_wrong_field_is_refused_with_what_is_allowed(fields: dict[str, Any], line: str) -> None:
    with pytest.raises(OperatorError) as refused:
        read_campaign(fields)
    assert str(refused.value).startswith(line), str(refused.value)


def test_the_day_of_an_order_has_two_names() -> None:
    content = written_content(read_campaign(_source(source="order", field="day", format="date")))
    assert content.variables["body"]["1"] == {"source": "order", "field": "placed_at", "format": "date"}


@pytest.mark.parametrize("junk", [None, 7, "x", [], {"a": 1}, [[]], [None], {"sku": {}}, True, float("inf")])
@pytest.mark.parametrize("field", ["cards", "products", "thumbnail_sku", "offer", "location", "flow_data"])
def test_junk_in_a_field_gets_one_line(field: str, junk: Any) -> None:
    line = _refusal({field: junk})
    assert "\n" not in line
    assert line == "" or line.startswith(field)


def _refusal(fields: dict[str, Any]) -> str:
    """Why the file is refused; empty if it is taken."""
    try:
        read_campaign(fields)
    except OperatorError as refused:
        return str(refused)
    return ""
