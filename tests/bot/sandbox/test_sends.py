"""What the simulated Meta takes and what it refuses, as Meta does."""

from typing import Any

import pytest

from bot.sandbox.seed import PHONE_NUMBER_ID, SECOND_PHONE_NUMBER_ID, WABA_ID
from tests.support.sandbox_client import Caller, body, named, template_to, wamid_of
from tests.support.sandbox_plans import ANA
from tests.support.sandbox_receiver import Receiver


def test_a_template_is_accepted_and_its_statuses_come_back_signed(meta: Caller, receiver: Receiver) -> None:
    meta.handle.configure(read_share=1.0)
    answer = meta.template(ANA, biz_opaque_callback_data="h1:x:1:1")
    assert answer.status_code == 200
    assert answer.json()["contacts"] == [{"input": ANA, "wa_id": "34600001234"}]
    assert answer.json()["messages"][0]["message_status"] == "accepted"
    meta.rest()
    assert receiver.kinds_of(wamid_of(answer)) == ["sent", "delivered", "read"]
    assert {status["biz_opaque_callback_data"] for status in receiver.statuses} == {"h1:x:1:1"}
    assert receiver.statuses[0]["pricing"]["category"] == "marketing"
    assert receiver.all_signed_with("sandbox-app-secret")


def test_a_missing_or_wrong_token_is_refused(meta: Caller) -> None:
    path = f"/{PHONE_NUMBER_ID}/messages"
    for headers in ({"Authorization": ""}, {"Authorization": "Bearer wrong"}):
        answer = meta.http.post(path, json=template_to(ANA, "spring_sale"), headers=headers)
        assert (answer.status_code, meta.code_of(answer)) == (401, 190)
    assert meta.handle.stats()["refused"] == {"total": 2, "190": 2}


@pytest.mark.parametrize(
    ("parts", "name", "language", "code"),
    [
        ((body("Ana"),), "spring_sale", "en", 132000),
        ((body("Ana", "20%", "more"),), "spring_sale", "en", 132000),
        ((), "unheard_of", "en", 132001),
        ((body("Ana", "20%"),), "spring_sale", "en_US", 132001),
        ((body("Ana"),), "summer_sale", "en", 132001),
        ((body("Ana"),), "lottery_win", "en", 132001),
        ((body("Ana"),), "winter_sale", "en", 132015),
        ((body("Ana", "a\nb"),), "spring_sale", "en", 132018),
        ((body("Ana", "a\tb"),), "spring_sale", "en", 132018),
        ((body("Ana", "a     b"),), "spring_sale", "en", 132018),
        ((body("Ana", ""),), "spring_sale", "en", 132018),
        ((body("Ana", "x" * 1024),), "spring_sale", "en", 132005),
        ((body("Ana"),), "new_collection", "en", 132012),
        ((named("body", first_name="Ana", arrival_date="today"),), "order_update", "en", 132000),
        ((named("header", order_number="1"), named("body", first_name="A", wrong="b")), "order_update", "en", 132000),
        ((body("Ana"),), "cart_reminder", "en", 131008),
        ((body("Ana"),), "coupon_gift", "en", 131008),
        (({"type": "nonsense"},), "opening_hours", "en", 100),
    ],
)
def test_a_template_that_does_not_fit_is_refused_with_metas_code(
    meta: Caller, parts: tuple[dict[str, Any], ...], name: str, language: str, code: int
) -> None:
    answer = meta.template(ANA, name, *parts, language=language)
    assert meta.code_of(answer) == code
    assert not meta.handle.store.messages


def test_templates_with_media_names_links_and_coupons_are_accepted_when_they_fit(meta: Caller) -> None:
    image = {"type": "header", "parameters": [{"type": "image", "image": {"link": "https://shop.example/a.jpg"}}]}
    link = {"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "a1b2"}]}
    coupon = {
        "type": "button",
        "sub_type": "copy_code",
        "index": 0,
        "parameters": [{"type": "coupon_code", "coupon_code": "X"}],
    }
    order = (named("header", order_number="1"), named("body", arrival_date="today", first_name="Ana"))
    for name, parts in {
        "new_collection": (image, body("Ana")),
        "cart_reminder": (body("Ana"), link),
        "coupon_gift": (body("Ana"), coupon),
        "order_update": order,
        "opening_hours": (),
    }.items():
        answer = meta.template(ANA, name, *parts)
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"type": "text", "text": {"body": "x" * 4097}}, 100),
        ({"type": "text", "text": {}}, 131008),
        ({"type": "image", "image": {"id": "123"}}, 100),
        ({"type": "image", "image": {"id": "1", "link": "https://a.example"}}, 131008),
        ({"type": "telegram", "telegram": {}}, 100),
        (
            {
                "type": "interactive",
                "interactive": {"type": "button", "body": {"text": "b"}, "action": {"buttons": []}},
            },
            131009,
        ),
        ({"to": "12", "type": "text", "text": {"body": "x"}}, 131009),
        ({"to": "+15550100001", "type": "text", "text": {"body": "x"}}, 131021),
        ({"type": "text", "text": {"body": "x"}, "biz_opaque_callback_data": "x" * 513}, 100),
        ({"recipient_type": "group", "type": "text", "text": {"body": "x"}}, 100),
    ],
)
def test_free_form_messages_past_metas_limits_are_refused(meta: Caller, message: dict[str, Any], code: int) -> None:
    assert meta.code_of(meta.post({"to": ANA, **message})) == code


def interactive(kind: str, action: dict[str, Any]) -> dict[str, Any]:
    return {
        "to": ANA,
        "type": "interactive",
        "interactive": {"type": kind, "body": {"text": "Which one"}, "action": action},
    }


def test_a_person_taps_buttons_and_rows_and_opens_the_window_by_it(meta: Caller, receiver: Receiver) -> None:
    campaign = meta.template(ANA)
    meta.handle.say(ANA, choice=0, wamid=wamid_of(campaign))
    replies = [{"type": "reply", "reply": {"id": "flow:yes", "title": "Yes"}}]
    buttons = meta.post(interactive("button", {"buttons": replies}))
    meta.handle.say(ANA, choice=0, wamid=wamid_of(buttons))
    rows = meta.post(interactive("list", {"button": "Open", "sections": [{"rows": [{"id": "r1", "title": "Madrid"}]}]}))
    meta.handle.say(ANA, choice=0, wamid=wamid_of(rows))
    meta.rest()
    tapped, replied, picked = receiver.messages
    assert tapped["button"] == {"payload": "Tell me more", "text": "Tell me more"}
    assert tapped["context"] == {"from": "15550100001", "id": wamid_of(campaign)}
    assert replied["interactive"] == {"type": "button_reply", "button_reply": {"id": "flow:yes", "title": "Yes"}}
    assert picked["interactive"]["list_reply"]["id"] == "r1"
    assert receiver.kinds_of(wamid_of(buttons)) == ["sent", "delivered"]


def test_mark_as_read_needs_a_message_that_came(meta: Caller) -> None:
    inbound = meta.handle.say(ANA, "hello")
    assert meta.post({"status": "read", "message_id": inbound.wamid}).json() == {"success": True}
    assert inbound.read
    assert meta.code_of(meta.post({"status": "read", "message_id": "wamid.other"})) == 100


def test_marketing_messages_take_marketing_templates_only(meta: Caller, receiver: Receiver) -> None:
    assert meta.post(template_to(ANA, "spring_sale"), endpoint="marketing_messages").status_code == 200
    assert meta.code_of(meta.post(template_to(ANA, "opening_hours"), endpoint="marketing_messages")) == 134100
    plain = meta.post({"to": ANA, "type": "text", "text": {"body": "hi"}}, endpoint="marketing_messages")
    assert meta.code_of(plain) == 131055
    meta.rest()
    assert receiver.statuses[0]["pricing"]["category"] == "marketing_lite"


def test_numbers_and_their_account_can_be_asked(meta: Caller) -> None:
    fields = "status,quality_rating,throughput,whatsapp_business_manager_messaging_limit"
    answer = meta.http.get(f"/{PHONE_NUMBER_ID}", params={"fields": fields})
    assert answer.json() == {
        "status": "CONNECTED",
        "quality_rating": "GREEN",
        "throughput": {"level": "STANDARD"},
        "whatsapp_business_manager_messaging_limit": "TIER_UNLIMITED",
        "id": PHONE_NUMBER_ID,
    }
    listed = meta.http.get(f"/{WABA_ID}/phone_numbers").json()["data"]
    assert [number["id"] for number in listed] == [PHONE_NUMBER_ID, SECOND_PHONE_NUMBER_ID]
    missing = meta.http.get("/12345")
    assert (meta.code_of(missing), missing.json()["error"]["error_subcode"]) == (100, 33)
