"""The builder against the messages that Meta's pages show, format by format."""

from typing import Any

import pytest

from admin.operations.campaign_file import read_campaign
from admin.operations.campaign_values import written_content
from bot.messages.template import TemplateBuilder
from models.templates.content import MessageContent
from models.templates.sources import content_sources
from tests.support.message_formats import BY_NAME, FORMATS, Format, comparable, with_ours


def _built(each: Format, content: MessageContent, **more: Any) -> list[dict[str, Any]]:
    values: dict[str, dict[str, str]] = {}
    for entry in content_sources(content, []):
        values.setdefault(entry.place, {})[entry.key] = str(entry.source["text"])
    builder = TemplateBuilder(
        name=each.name,
        language="en",
        components=each.components,
        parameter_format=each.parameter_format,
        content=content,
        installation="abc",
        **more,
    )
    body = builder.build(recipient_id=7, attempt=1, phone="+34600000001", bsuid=None, values=values)
    components: list[dict[str, Any]] = body["template"]["components"]
    return components


@pytest.mark.parametrize("each", FORMATS, ids=lambda each: each.name)
def test_every_format_is_built_as_meta_shows_it(each: Format) -> None:
    content = written_content(read_campaign(each.added))
    expected = with_ours(each.sent, "h1b:abc:7", "h1f:abc:7")
    assert comparable(_built(each, content)) == comparable(expected)


def test_products_without_a_catalog_of_their_own_are_of_the_connected_one() -> None:
    each = BY_NAME["product_cards"]
    content = MessageContent(cards=({"product": {"sku": "a"}}, {"product": {"sku": "b", "catalog_id": "2"}}))
    (carousel,) = _built(each, content, catalog_id="1")
    headers = [card["components"][0]["parameters"][0]["product"] for card in carousel["cards"]]
    assert headers == [
        {"product_retailer_id": "a", "catalog_id": "1"},
        {"product_retailer_id": "b", "catalog_id": "2"},
    ]


def test_a_gif_is_sent_as_such_and_a_catalog_without_a_thumbnail_needs_nothing() -> None:
    gif = Format("gif", [{"type": "HEADER", "format": "GIF"}], {}, [])
    content = MessageContent(media={"header": {"id": "9", "filename": "a.mp4"}})
    assert _built(gif, content) == [{"type": "header", "parameters": [{"type": "gif", "gif": {"id": "9"}}]}]
    catalog = Format("c", [{"type": "BODY", "text": "A {{1}}"}, *BY_NAME["catalog"].components[1:]], {}, [])
    content = MessageContent({"body": {"1": {"source": "text", "text": "x"}}})
    assert [part["type"] for part in _built(catalog, content)] == ["body"]
