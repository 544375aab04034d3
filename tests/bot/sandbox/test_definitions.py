"""What the simulated Meta takes and refuses when templates are created, edited and taken from its library."""

from typing import Any

import pytest

from bot.sandbox.seed import APP_ID
from tests.support.sandbox_client import Caller
from tests.support.sandbox_plans import LIST, plan
from tests.support.sandbox_receiver import Receiver
from tests.support.template_files import PUBLISHED, changed, template_json

CARDS = "components.1.cards"


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_definition_that_meta_publishes_is_taken(meta: Caller, name: str) -> None:
    answer = meta.http.post(LIST, json=template_json(name))
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("name", "path", "value", "subcode"),
    [
        ("coupon", "language", "en-US", None),
        ("coupon", "message_send_ttl_seconds", 5, None),
        ("max_price", "optimization_spec.bid_amount", -1, None),
        ("coupon", "components.1.text", "{{1}} is here for {{2}} today.", 2388299),
        ("coupon", "components.1.text", "Take {{1}}, {{2}} ok.", 2388293),
        ("coupon", "components.1.text", "x" * 1025, 2388040),
        ("coupon", "components.1.example", None, 2388043),
        ("mpm", "components.0.text", "*Hello* {{1}}", 2388047),
        ("mpm", "components.0", None, 2388047),
        ("lto", "components.0.example.header_handle", ["file:ab.jpg"], 2494102),
        ("lto", "components.0.example.header_handle", ["https://scontent.example/a.jpg"], 2494102),
        ("lto", "components.1.limited_time_offer.text", "x" * 17, 2388040),
        ("lto", "category", "UTILITY", None),
        ("coupon", "components.-1", {"type": "FOOTER", "text": "a {{1}}"}, 2388073),
        ("coupon", "components.2.buttons.0.text", "Yes 🎉", 2388072),
        ("seasonal_promo", "components.3.buttons.1.url", "https://x.test/{{1}}/a", 2388072),
        ("media_cards", f"{CARDS}.1", None, 2388072),
        ("media_cards", f"{CARDS}.1.components.1", None, 2388072),
        ("media_cards", "components.-1", {"type": "FOOTER", "text": "Bye"}, 2388072),
        ("product_cards", f"{CARDS}.-1", template_json("product_cards")["components"][1]["cards"][0], 2388072),
        ("login_code", "components.1.code_expiration_minutes", 91, 2388073),
        ("login_code", "components.2", None, None),
        ("call_ask", "components.-1", {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "A"}]}, None),
        ("from_the_library", "library_template_button_inputs", None, None),
        ("from_the_library", "library_template_name", "nothing", None),
    ],
)
def test_what_breaks_a_rule_is_refused_with_its_subcode(
    meta: Caller, name: str, path: str, value: Any, subcode: int | None
) -> None:
    answer = meta.http.post(LIST, json=changed(template_json(name), path, value))
    assert meta.code_of(answer) == 100
    assert answer.json()["error"].get("error_subcode") == subcode


@pytest.mark.parametrize("components", [[1], "x", [{}], [{"type": "BODY"}], [{"type": "BODY", "text": 5}]])
def test_any_other_shape_is_refused_too(meta: Caller, components: Any) -> None:
    assert meta.code_of(meta.http.post(LIST, json=plan("fine") | {"components": components})) == 100


def test_a_sample_of_another_type_than_the_header_is_refused(meta: Caller) -> None:
    params = {"file_name": "a.pdf", "file_length": "3", "file_type": "application/pdf"}
    upload = meta.http.post(f"/{APP_ID}/uploads", params=params).json()["id"]
    handle = meta.http.post(f"/{upload}", content=b"abc", headers={"file_offset": "0"}).json()["h"]
    definition = changed(template_json("lto"), "components.0.example.header_handle", [handle])
    answer = meta.http.post(LIST, json=definition)
    assert answer.json()["error"]["error_subcode"] == 2494102


def test_a_paused_template_can_be_unpaused_and_only_it(meta: Caller, receiver: Receiver) -> None:
    node = meta.http.get(LIST, params={"name": "winter_sale"}).json()["data"][0]["id"]
    assert meta.http.post(f"/{node}/unpause").json()["error"]["error_subcode"] == 2388039  # its quality is RED
    meta.control.post("/template-event", json={"name": "winter_sale", "language": "en", "quality": "yellow"})
    assert meta.http.post(f"/{node}/unpause").json() == {"success": True}
    assert meta.http.get(f"/{node}", params={"fields": "status"}).json()["status"] == "APPROVED"
    meta.rest()
    assert next(receiver.values("message_template_status_update"))["other_info"]["title"] == "UNPAUSE"
    assert meta.http.post(f"/{node}/unpause").json()["error"]["error_subcode"] == 2388039


def test_a_max_price_alone_is_changed_without_review_or_limit(meta: Caller) -> None:
    node = meta.http.get(LIST, params={"name": "cart_reminder"}).json()["data"][0]["id"]
    spec = {"bid_strategy": "LOWEST_COST_WITH_BID_CAP", "bid_amount": 5000}
    for amount in (5000, 6000):
        changes = {"optimization_spec": spec | {"bid_amount": amount}}
        assert meta.http.post(f"/{node}", json=changes).json() == {"success": True}
    shown = meta.http.get(f"/{node}", params={"fields": "status,optimization_spec"}).json()
    assert (shown["status"], shown["optimization_spec"]["bid_amount"]) == ("APPROVED", 6000)


def test_the_name_of_a_deleted_template_is_blocked_and_a_list_of_ids_is_all_or_nothing(meta: Caller) -> None:
    nodes = [item["id"] for item in meta.http.get(LIST, params={"name": "spring_sale"}).json()["data"]]
    refused = meta.http.delete(LIST, params={"hsm_ids": f"[{nodes[0]},99]"})
    assert meta.code_of(refused) == 100
    assert meta.http.delete(LIST, params={"hsm_ids": f"[{','.join(nodes)}]"}).json() == {"success": True}
    assert meta.code_of(meta.http.post(LIST, json=plan("spring_sale"))) == 100


def test_the_library_is_searched_and_a_template_of_it_is_approved_at_once(meta: Caller) -> None:
    found = meta.http.get("/message_template_library", params={"search": "order", "language": "en_US"}).json()["data"]
    assert [item["name"] for item in found] == ["delivery_update_1", "order_confirmation_1"]
    assert meta.http.get("/message_template_library", params={"topic": "PAYMENTS"}).json()["data"][0]["buttons"]
    taken = meta.http.post(LIST, json=template_json("from_the_library")).json()
    assert taken["status"] == "APPROVED"
    components = meta.http.get(f"/{taken['id']}").json()["components"]
    assert components[-1]["buttons"][0]["url"] == "https://x.test/{{1}}"
