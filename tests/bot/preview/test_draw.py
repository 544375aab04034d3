"""What stands in the HTML of a message of each format."""

import re

import pytest

from bot.preview.bubble import Bubble, OfferBanner
from bot.preview.draw import countdown_of, draw
from bot.preview.draw_header import size_text
from bot.preview.filled_text import NO_TEXT, FilledText, SlotState, SlotValue
from bot.preview.look import Look, Tap
from bot.preview.message import message_bubble
from bot.preview.template import template_bubble
from bot.preview.template_values import TemplateValues, example_values
from tests.support.preview_gallery import NOW, PICTURES, TEMPLATES, bubbles, button, buttons, header
from tests.support.preview_messages import MESSAGES

LOOK = Look(now=NOW)


def html_of(name: str) -> str:
    """The HTML of the gallery's sample."""
    return str(draw(bubbles()[name], LOOK))


def words_of(html: str) -> str:
    """What a person reads of it."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@pytest.mark.parametrize("name", sorted(set(TEMPLATES) | set(MESSAGES)))
def test_every_format_is_drawn_with_a_label(name: str) -> None:
    html = html_of(name)
    assert 'role="group" aria-label="Message as a phone shows it"' in html
    assert ("not drawn" in html) == (name == "unknown")


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("text", ["Our Summer Sale is on!", "Hi Ana,", "20 %", "Reply STOP to leave", "Stop promos", "Shop now", "Call us"]),
        ("document", ["invoice 4711.pdf", "PDF · 1.2 MB", "Your invoice."]),
        ("location", ["Store", "101 Forest Ave"]),
        ("coupon", ["Use WINTER25 today.", "Copy offer code"]),
        ("limited_time_offer", ["Expiring offer!", "Ends in 25 h 0 min", "Code: CARIBE25", "Copy offer code", "Book"]),
        ("catalog", ["View our catalog on WhatsApp", "See what is new, Ana.", "View catalog"]),
        ("multi_product", ["Forgot something, Ana?", "3 items", "View items", "Popular", "Blue sneaker", "New", "Green sneaker"]),
        ("single_product", ["Blue sneaker", "€59.90", "Use 25OFF on our newest.", "View"]),
        ("media_carousel", ["For you, Ana:", "Blue, for every day", "More", "Shop now"]),
        ("product_carousel", ["Blue sneaker", "Red sneaker", "Green sneaker", "€49.90", "View"]),
        ("call_permission", ["May we call you, Ana?", "Choose preference"]),
        ("authentication", ["123456 is your verification code. For", "This code expires in 10 minutes.", "Copy code"]),
        ("reply_buttons", ["What shall it be?", "Sandbox Shop", "Yes", "No", "Later"]),
        ("list", ["Menu", "Open the menu", "Section", "Row 0", "What it is", "Row 3"]),
        ("product_list", ["Chosen for you", "2 items", "View items", "New", "Blue sneaker"]),
        ("carousel", ["What shall it be?", "Blue", "Buy"]),
        ("flow_message", ["Book"]),
        ("ask_location", ["Send location"]),
        ("order", ["4 items", "229.60 EUR", "3 × 59.9 EUR", "Please wrap it"]),
        ("contacts", ["Ana Costa"]),
        ("reaction", ["Reacted with 😮"]),
        ("unknown", ["Poll: not drawn here"]),
    ],
)  # fmt: skip
def test_what_a_person_reads_stands_in_it_in_order(name: str, texts: list[str]) -> None:
    words, position = words_of(html_of(name)), 0
    for text in texts:
        assert text in words[position:], words
        position = words.index(text, position)


def test_more_than_three_buttons_show_two_and_all_of_them_behind_an_option() -> None:
    html = html_of("four_buttons")
    visible, _, hidden = html.partition("<details")
    assert [title for title in ("Shoes", "Shirts", "Bags", "Shop now") if title in visible] == ["Shoes", "Shirts"]
    assert words_of(hidden).startswith('class="wa-all"> See all options Shoes Shirts Bags Shop now')


def test_a_long_body_is_cut_and_its_whole_text_stands_behind_read_more() -> None:
    html = html_of("long")
    beginning, _, rest = html.partition("Read more")
    assert beginning.count("begun.") < rest.count("begun.") == 12


def test_a_carousel_is_a_region_that_the_keyboard_scrolls() -> None:
    html = html_of("media_carousel")
    assert 'class="wa-cards" role="region" aria-label="Carousel of 3 cards" tabindex="0"' in html
    assert 'aria-label="Card 2 of 3"' in html


def test_an_example_stands_in_a_placeholder_until_there_is_a_value() -> None:
    components = [
        {"type": "body", "text": "Hi {{first_name}}", "example": {
            "body_text_named_params": [{"param_name": "first_name", "example": "Ana"}]}},
        {"type": "buttons", "buttons": [{"type": "url", "text": "Go", "url": "https://x.test/{{1}}", "example": ["spring"]}]},
    ]  # fmt: skip
    drawn = str(draw(template_bubble(components)))
    assert '<mark class="wa-slot wa-example">Ana</mark>' in drawn
    assert 'title="https://x.test/spring"' in drawn
    values = TemplateValues(body={"first_name": SlotValue("Zoë")})
    drawn = str(draw(template_bubble(components, values)))
    assert '<mark class="wa-slot wa-value">Zoë</mark>' in drawn
    assert 'title="https://x.test/{{1}}"' in drawn


@pytest.mark.parametrize("example", [[["Ana", "10"]], ["Ana", "10"]])
def test_examples_are_read_in_every_form_that_meta_returns(example: object) -> None:
    values = example_values([{"type": "BODY", "text": "{{1}} {{2}}", "example": {"body_text": example}}])
    assert {key: value.text for key, value in values.body.items()} == {"1": "Ana", "2": "10"}
    values = example_values([{"type": "BODY", "text": "{{1}}", "example": {"body_text": "Ana"}}])
    assert values.body["1"] == SlotValue("Ana", SlotState.EXAMPLE)


def test_a_template_that_is_not_known_any_more_is_named() -> None:
    message = {"type": "template", "template": {"name": "gone", "language": {"code": "en"}}}
    assert words_of(str(draw(message_bubble(message)))) == "Template gone"


@pytest.mark.parametrize("kind", ["MYSTERY", "mystery"])
def test_an_unknown_component_is_a_labelled_box_and_the_rest_is_drawn(kind: str) -> None:
    drawn = words_of(str(draw(template_bubble([{"type": kind}, {"type": "BODY", "text": "Hello"}]))))
    assert drawn == "Hello Mystery: not drawn here"


def test_only_what_is_tapped_for_real_is_a_button() -> None:
    assert "<button" not in html_of("text")

    def tap(tapped: Tap) -> dict[str, str] | None:
        return {"data-tap": f"{tapped.kind} {tapped.card} {tapped.place} {tapped.payload}"} if tapped.payload else None

    drawn = str(draw(bubbles()["media_carousel"], Look(tap=tap)))
    assert re.findall(r'<button[^>]* data-tap="([^"]*)"', drawn) == [
        f"quick_reply {card} 0 card{card}" for card in range(3)
    ]
    drawn = str(draw(bubbles()["list"], Look(tap=tap)))
    assert re.findall(r'data-tap="([^"]*)"', drawn) == [f"row None {place} r{place}" for place in range(4)]


@pytest.mark.parametrize(
    ("left", "text"),
    [(3 * 86_400, "Ends in 3 days"), (86_400, "Ends in 24 h 0 min"), (3_660, "Ends in 1 h 1 min"), (59 * 60, "Ends in 59 min"),
     (10, "Ends in 0 min"), (0, "Offer ended"), (-5, "Offer ended")],
)  # fmt: skip
def test_the_countdown_says_how_long_the_offer_lasts(left: int, text: str) -> None:
    assert countdown_of(OfferBanner(FilledText("o"), NO_TEXT, NOW + left, True), LOOK) == text


def test_an_offer_that_does_not_expire_has_no_countdown_and_one_without_its_time_says_so() -> None:
    assert countdown_of(OfferBanner(NO_TEXT, NO_TEXT, None, False), LOOK) == ""
    assert countdown_of(OfferBanner(NO_TEXT, NO_TEXT, None, True), LOOK) == "Ends in …"


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (482_113, "482 kB"), (999_900, "1.0 MB"), (16_777_216, "17 MB")],
)
def test_a_size_is_said_as_phones_say_it(size: int, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("text", "is_large"), [("🎉", True), ("🎉👍🏽❤️", True), ("👍👍👍👍", False), ("ok 👍", False), ("ا", False)]
)
def test_emoji_alone_are_large(text: str, is_large: bool) -> None:
    assert ("wa-jumbo" in str(draw(Bubble(body=FilledText(text))))) == is_large


def test_a_product_carousel_has_as_many_cards_as_were_sent_and_a_preview_as_many_as_were_made() -> None:
    sample = TEMPLATES["product_carousel"]
    assert len(sample.bubble().cards) == 3
    assert len(template_bubble(sample.components).cards) == 2
    assert [
        card.place for card in template_bubble(sample.components, TemplateValues(cards=[TemplateValues()] * 12)).cards
    ] == [*range(10)]


def test_what_a_media_header_lacks_is_drawn_as_an_empty_tile_with_its_kind() -> None:
    drawn = str(
        draw(
            template_bubble(
                [header("VIDEO"), buttons(button("PHONE_NUMBER", "Call", phone_number="+1555"))], None, PICTURES
            )
        )
    )
    assert "wa-medium wa-video wa-cropped wa-empty" in drawn
    assert 'title="+1555"' in drawn
