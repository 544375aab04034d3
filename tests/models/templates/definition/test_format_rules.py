"""Rules of whole formats: offers, carousels, products, codes, calls."""

from typing import Any

import pytest

from models.templates.definition.parse import check_template_json
from tests.support.template_files import changed, template_json

CARD = "components.1.cards"
QUICK = {"type": "QUICK_REPLY", "text": "More"}
HEADER = {"type": "HEADER", "format": "TEXT", "text": "Hello"}
FOOTER = {"type": "FOOTER", "text": "Bye"}
BUTTONS = {"type": "BUTTONS", "buttons": [QUICK]}
LINK = {"type": "URL", "text": "Shop", "url": "https://x.test/a"}


def cards(name: str, count: int) -> list[Any]:
    return [template_json(name)["components"][1]["cards"][0]] * count


@pytest.mark.parametrize(
    ("name", "path", "value", "field", "said"),
    [
        ("lto", "category", "UTILITY", "components[1].limited_time_offer", "marketing templates only"),
        ("lto", "components.-1", FOOTER, "components[4]", "takes no footer"),
        ("lto", "components.1.limited_time_offer.text", "x" * 17, "components[1].limited_time_offer.text", "at most 16"),
        ("lto", "components.1.limited_time_offer", None, "components[1].limited_time_offer", "is missing"),
        ("lto", "components.0.format", "DOCUMENT", "components[0].format", "IMAGE or VIDEO"),
        ("lto", "components.3.buttons.0.example", "x" * 16, "components[3].buttons[0].example", "at most 15"),
        ("lto", "components.3.buttons.-1", QUICK, "components[3].buttons[2].type", "COPY_CODE button and a URL"),
        ("lto", "components.3.buttons", [LINK, {"type": "COPY_CODE", "example": "A"}], "components[3].buttons[1].type", "first"),
        ("media_cards", CARD, cards("media_cards", 1), "components[1].cards", "1 cards; allowed are 2 to 10"),
        ("media_cards", CARD, cards("media_cards", 11), "components[1].cards", "11 cards; allowed are 2 to 10"),
        ("media_cards", "components.-1", FOOTER, "components[2]", "a body and cards only"),
        ("media_cards", "components.-1", HEADER, "components[2]", "a body and cards only"),
        ("media_cards", "components.-1", BUTTONS, "components[2].buttons", "a body and cards only"),
        ("media_cards", f"{CARD}.1.components.1", None, "components[1].cards[1]", "another shape"),
        ("media_cards", f"{CARD}.1.components.0.format", "VIDEO", "components[1].cards[1]", "another shape"),
        ("media_cards", f"{CARD}.1.components.2.buttons.0", LINK, "components[1].cards[1]", "another shape"),
        ("media_cards", f"{CARD}.1.components.1.text", "x" * 161, "components[1].cards[1].body.text", "at most 160"),
        ("media_cards", f"{CARD}.1.components.0.format", "DOCUMENT", "components[1].cards[1].header.format", "IMAGE, VIDEO"),
        ("media_cards", f"{CARD}.1.components.0.example", None, "components[1].cards[1].header.example.header_handle", "sample"),
        ("media_cards", f"{CARD}.1.components.0", None, "components[1].cards[1].header", "is missing"),
        ("media_cards", f"{CARD}.1.components.2", None, "components[1].cards[1].buttons", "0 buttons"),
        ("media_cards", f"{CARD}.1.components.2.buttons.-1", LINK, "components[1].cards[1].buttons", "3 buttons"),
        ("media_cards", f"{CARD}.1.components.2.buttons.0.text", "x" * 26, "components[1].cards[1].buttons[0].text", "25"),
        ("media_cards", f"{CARD}.1.components.-1", FOOTER, "components[1].cards[1].components[3].type", "HEADER, BODY, BUTTONS"),
        ("media_cards", f"{CARD}.1", 5, "components[1].cards[1]", "must be an object"),
        ("product_cards", CARD, cards("product_cards", 3), "components[1].cards", "exactly 2"),
        ("product_cards", f"{CARD}.0.components.1.buttons.0.type", "CATALOG", "components[1].cards[0].buttons[0].type", "SPM, URL"),
        ("catalog", "components.-1", HEADER, "components[3]", "takes no header"),
        ("mpm", "components.0", None, "components[2].buttons[0].type", "header of TEXT"),
        ("spm", "components.0", None, "components[2].buttons[0].type", "header of PRODUCT"),
        ("spm", "components.3", None, "components[0].format", "needs an SPM button"),
        ("call_ask", "components.-1", BUTTONS, "components[2].buttons", "takes no buttons"),
        ("login_code", "components.0.text", "Your code is {{1}}.", None, ""),
        ("login_code", "components.1.code_expiration_minutes", 91, "components[1].code_expiration_minutes", "1 to 90"),
        ("login_code", "components.-1", HEADER, "components[3]", "one OTP button only"),
        ("login_code", "components.2", None, "components", "needs an OTP button"),
        ("login_code", "components.2.buttons.0", QUICK, "components[2].buttons[0].type", "one OTP button only"),
        ("login_code", "components.2.buttons.0.otp_type", None, "components[2].buttons[0].otp_type", "COPY_CODE, ONE_TAP"),
        ("login_code", "category", "UTILITY", "components[0].add_security_recommendation", "authentication"),
        ("login_code", "category", "UTILITY", "components[2].buttons[0].type", "authentication templates only"),
        ("one_tap_code", "components.2.buttons.0.supported_apps", None, "components[2].buttons[0].supported_apps", "package_name"),
        ("one_tap_code", "components.2.buttons.0.otp_type", "zero_tap", "components[2].buttons[0].zero_tap_terms_accepted", "true"),
        ("loc", "category", "AUTHENTICATION", "components[0].format", "utility and marketing"),
        ("contact_info_button", "category", "AUTHENTICATION", "components[1].buttons[0].type", "OTP"),
        ("call_ask", "category", "AUTHENTICATION", "components", "utility and marketing"),
    ],
)  # fmt: skip
def test_a_mistake_is_found_at_its_field(name: str, path: str, value: Any, field: str | None, said: str) -> None:
    problems = [str(found) for found in check_template_json(changed(template_json(name), path, value)).problems]
    if field is None:
        assert problems == []
    else:
        assert any(found.startswith(f"{field}: ") and said in found for found in problems), problems


def test_an_own_text_in_an_authentication_template_is_refused() -> None:
    definition = changed(
        template_json("login_code"), "components.0", {"type": "BODY", "text": "Your code is {{1}} now."}
    )
    assert [str(problem) for problem in check_template_json(definition).problems] == [
        "components[0].text: the text of an authentication template is Meta's own; leave it out"
    ]


@pytest.mark.parametrize("count", [2, 10])
def test_a_carousel_of_media_has_2_to_10_cards(count: int) -> None:
    assert check_template_json(changed(template_json("media_cards"), CARD, cards("media_cards", count))).problems == ()


def test_the_text_of_the_cards_may_be_missing_on_all() -> None:
    definition = template_json("media_cards")
    for card in definition["components"][1]["cards"]:
        del card["components"][1]
    assert check_template_json(definition).problems == ()


def test_a_product_card_may_have_a_url_button() -> None:
    definition = template_json("product_cards")
    for card in definition["components"][1]["cards"]:
        card["components"][1]["buttons"] = [LINK]
    assert check_template_json(definition).problems == ()
