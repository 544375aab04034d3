"""A campaign's values and content as what fills its template."""

from bot.preview.filled_text import SlotValue
from bot.preview.template import template_bubble
from bot.preview.template_values import values_by_place
from tests.support.preview_gallery import PICTURES, TEMPLATES

ANA = SlotValue("Ana")


def test_values_and_media_of_cards_go_to_their_cards() -> None:
    places = {
        "body": {"1": ANA},
        "cards.1.body": {"1": SlotValue("second")},
        "cards.1.buttons": {"1": SlotValue("red")},
    }
    medium = {"media": {"header": {"id": "1602186516975000"}}}
    values = values_by_place(places, content={"cards": [medium, {}]})
    bubble = template_bubble(TEMPLATES["media_carousel"].components, values, PICTURES)
    assert bubble.body.text == "For you, Ana:"
    assert [getattr(card.header, "url", "") for card in bubble.cards] == ["/picture.svg", None]
    assert [card.buttons[1].target for card in bubble.cards] == ["https://x.test/{{1}}", "https://x.test/red"]


def test_a_carousel_without_content_has_the_templates_cards() -> None:
    assert len(template_bubble(TEMPLATES["media_carousel"].components, values_by_place({})).cards) == 3


def test_products_an_offer_and_a_place_come_from_the_campaign() -> None:
    content = {
        "products": {"sections": [{"title": "New", "skus": ["SKU-1", "SKU-3"]}]},
        "thumbnail_sku": "SKU-2",
        "offer": {"expires_at": "2026-12-24T23:59:00+01:00"},
        "location": {"latitude": 1.5, "longitude": 2, "name": "Shop"},
    }
    values = values_by_place({"offer": {"code": SlotValue("XMAS")}}, content=content)
    sheet = template_bubble(TEMPLATES["multi_product"].components, values, PICTURES).sheet
    assert sheet is not None
    assert [(row.title, row.description) for row in sheet.sections[0].rows] == [
        ("Blue sneaker", "€59.90"),
        ("Green sneaker", "€49.90"),
    ]
    offer = template_bubble(TEMPLATES["limited_time_offer"].components, values, PICTURES).offer
    assert offer is not None
    assert (offer.code.text, offer.expires_at) == ("XMAS", 1_798_153_140.0)
    place = template_bubble(TEMPLATES["location"].components, values).header
    assert (getattr(place, "name", ANA).text, getattr(place, "coordinates", "")) == ("Shop", "1.5, 2")


def test_content_of_any_shape_is_read() -> None:
    odd = {
        "cards": [5, {"media": 5}, {"product": []}],
        "products": {"sections": [{"skus": [1, None]}, 5]},
        "offer": {"expires_at": "soon"},
    }
    values = values_by_place({"buttons": {"x": ANA, "²": ANA}}, media={"header": []}, content=odd)
    assert (values.expires_at, values.buttons, values.medium) == (None, {}, ())
