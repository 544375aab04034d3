"""The simulated Meta's own check of every format, and what its phones show and say."""

import copy
import json
from typing import Any

import pytest

from bot.sandbox.choices import Choice, reply_to
from bot.sandbox.components import check_components
from bot.sandbox.errors import SandboxGraphError
from bot.sandbox.seed import WABA_ID
from bot.sandbox.template import SandboxTemplate
from bot.sandbox.template_bubble import of_template
from tests.support.message_formats import BY_NAME, FORMATS, Format, with_ours
from tests.support.sandbox_client import Caller, wamid_of
from tests.support.sandbox_plans import ANA


def _template(each: Format) -> SandboxTemplate:
    return SandboxTemplate(
        "1", "2", each.name, "en", each.category, each.components, parameter_format=each.parameter_format
    )


def _sent(each: Format) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = with_ours(copy.deepcopy(each.sent), "payload", "token")
    return sent


@pytest.mark.parametrize("each", FORMATS, ids=lambda each: each.name)
def test_what_meta_shows_for_a_format_is_taken(each: Format) -> None:
    check_components(_template(each), _sent(each), set())


def _at(components: Any, *path: Any) -> Any:
    for part in path:
        components = components[part]
    return components


_CARD = (1, "cards", 0)
_MPM = (1, "parameters", 0, "action")
_PRODUCT = (0, "parameters", 0, "product")
_PLACE = (0, "parameters", 0, "location")
_OFFER = (2, "parameters", 0, "limited_time_offer")
_MANY = [{"product_retailer_id": "a"}] * 31


@pytest.mark.parametrize(
    ("name", "path", "value", "code"),
    [
        ("media_cards", (1, "cards"), [], 132012),
        ("media_cards", (1, "cards"), "cards", 131008),
        ("media_cards", (*_CARD, "card_index"), 1, 131009),
        ("media_cards", (*_CARD, "components", 0, "parameters", 0, "type"), "video", 132012),
        ("media_cards", (*_CARD, "components", 1, "parameters"), [], 132000),
        ("media_cards", (*_CARD, "components", 1, "parameters", 0, "text"), "x" * 160, 132005),
        ("media_cards", (*_CARD, "components", 2, "index"), "5", 132012),
        ("media_cards", (*_CARD, "components", 3, "parameters", 0, "text"), "blue elf", 131009),
        ("product_cards", (0, "cards"), [], 132012),
        ("product_list", (*_MPM, "sections"), [], 131009),
        ("product_list", (*_MPM, "sections", 0, "title"), "x" * 25, 131009),
        ("product_list", (*_MPM, "sections", 0, "product_items"), _MANY, 131009),
        ("product_list", (*_MPM, "sections", 0, "product_items"), [], 131008),
        ("product_list", (*_MPM, "thumbnail_product_retailer_id"), "", 131008),
        ("single_product", (*_PRODUCT, "product_retailer_id"), "", 131008),
        ("single_product", (*_PRODUCT, "catalog_id"), None, 131008),
        ("location", (*_PLACE, "latitude"), "north", 131009),
        ("location", (*_PLACE, "latitude"), "91", 131009),
        ("location", (*_PLACE, "longitude"), None, 131008),
        ("offer", (*_OFFER, "expiration_time_ms"), 1700000000000, 131009),
        ("offer", (*_OFFER, "expiration_time_ms"), "soon", 131008),
        ("offer", (3, "parameters", 0, "coupon_code"), "x" * 16, 131009),
        ("coupon", (1, "parameters", 0, "coupon_code"), "x" * 21, 131009),
        ("form", (0, "parameters", 0, "action", "flow_token"), 7, 131009),
        ("form", (0, "parameters", 0, "action", "flow_action_data"), [], 131009),
        ("text_named", (2, "parameters", 0, "parameter_name"), "other", 132000),
        ("text_named", (2, "parameters", 0, "text"), "a b", 131009),
        ("login_code", (1, "parameters", 0, "text"), "1" * 16, 131009),
        ("text_positional", (2, "sub_type"), "url", 132012),
    ],
)
def test_what_does_not_fit_a_format_is_refused_with_metas_code(
    name: str, path: tuple[Any, ...], value: Any, code: int
) -> None:
    each = BY_NAME[name]
    sent = _sent(each)
    _at(sent, *path[:-1])[path[-1]] = value
    with pytest.raises(SandboxGraphError) as refused:
        check_components(_template(each), sent, set())
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("name", "part", "code"),
    [
        ("text_positional", {"type": "carousel", "cards": []}, 132012),
        ("text_positional", {"type": "limited_time_offer", "parameters": [{}]}, 132012),
        ("coupon", {"type": "button", "sub_type": "phone_number", "index": "4", "parameters": []}, 132012),
        ("single_product", {"type": "button", "sub_type": "spm", "index": 0, "parameters": []}, 132012),
    ],
)
def test_a_component_that_the_template_does_not_take_is_refused(name: str, part: dict[str, Any], code: int) -> None:
    with pytest.raises(SandboxGraphError) as refused:
        check_components(_template(BY_NAME[name]), [*_sent(BY_NAME[name]), part], set())
    assert refused.value.code == code


@pytest.mark.parametrize("each", FORMATS, ids=lambda each: each.name)
def test_the_phone_shows_every_format_with_what_can_be_tapped(each: Format) -> None:
    bubble = of_template({"template": {"components": _sent(each)}}, _template(each))
    assert "{{" not in bubble.text + bubble.header
    kinds = {bubble.choices[place].kind for place in each.taps}
    assert kinds <= {"quick_reply", "flow", "products"}
    assert all(bubble.choices[place].kind != "link" for place in each.taps)


def test_the_phone_names_the_products_and_the_cards() -> None:
    bubble = of_template(
        {"template": {"components": _sent(BY_NAME["product_cards"])}}, _template(BY_NAME["product_cards"])
    )
    assert [card.header for card in bubble.cards] == ["[SKU-3]", "[SKU-1]", "[SKU-2]"]
    assert [(choice.card, choice.skus) for choice in bubble.choices] == [
        (0, ("SKU-3",)),
        (1, ("SKU-1",)),
        (2, ("SKU-2",)),
    ]


def test_a_tap_says_what_metas_webhook_says() -> None:
    form = reply_to(Choice("flow", "Open", "token-1"), answers={"city": "Lima"})
    assert form is not None
    reply = form["interactive"]["nfm_reply"]
    assert (form["type"], json.loads(reply["response_json"])) == (
        "interactive",
        {"flow_token": "token-1", "city": "Lima"},
    )
    order = reply_to(Choice("products", "View", "", skus=("a", "b")), catalog_id="7")
    assert order is not None
    assert (order["type"], order["order"]["catalog_id"]) == ("order", "7")
    assert [item["product_retailer_id"] for item in order["order"]["product_items"]] == ["a"]
    chosen = reply_to(Choice("products", "View", "", skus=("a", "b")), skus=["b", "c"])
    assert chosen is not None
    assert [item["product_retailer_id"] for item in chosen["order"]["product_items"]] == ["b", "c"]
    assert reply_to(Choice("products", "View catalog", "")) is None
    assert reply_to(Choice("link", "Shop", "")) is None


def test_a_person_taps_a_card_answers_a_form_and_orders_through_the_control_api(meta: Caller) -> None:
    for name, told in (
        ("media_cards", {"choice": 2}),
        ("form", {"choice": 0, "answers": {"city": "Lima"}}),
        ("product_list", {"choice": 0, "skus": ["SKU-1", "SKU-2"]}),
    ):
        meta.handle.call(meta.handle.sim.world.add_template, WABA_ID, BY_NAME[name].template)
        wamid = wamid_of(meta.template(ANA, name, *_sent(BY_NAME[name])))
        answer = meta.control.post("/inbound", json={"phone": ANA, "wamid": wamid, **told})
        assert answer.status_code == 200, answer.text
        assert answer.json()["message"]["context"]["id"] == wamid
    page = meta.control.get("/page", params={"phone": ANA}).json()["chat"]
    assert "wa-cards" in page
    assert 'name="sku" value="SKU-2"' in page
    assert 'name="answer"' in page
