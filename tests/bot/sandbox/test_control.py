"""Subscriptions, the control API and the page."""

from typing import Any

import httpx

from bot.sandbox.seed import APP_ID, PHONE_NUMBER_ID, PORTFOLIO_ID, WABA_ID
from tests.support.sandbox_client import Caller, template_to, wamid_of
from tests.support.sandbox_plans import ANA, LIST, plan
from tests.support.sandbox_receiver import Receiver


def test_the_app_subscribes_and_an_own_callback_must_shake_hands(meta: Caller, receiver: Receiver) -> None:
    path = f"/{WABA_ID}/subscribed_apps"
    meta.handle.configure(require_subscription=True)
    meta.template(ANA)
    meta.rest()
    assert not receiver.bodies
    own = {"override_callback_uri": receiver.url, "verify_token": "wrong"}
    assert meta.code_of(meta.http.post(path, json=own)) == 2200
    assert meta.http.post(path, json=own | {"verify_token": receiver.verify_token}).json() == {"success": True}
    assert meta.http.get(path).json()["data"][0]["whatsapp_business_api_data"]["id"] == APP_ID
    meta.template(ANA)
    meta.rest()
    assert len(receiver.statuses) == 2
    assert meta.http.delete(path).json() == {"success": True}
    assert meta.http.get(path).json() == {"data": []}


def test_an_account_tells_its_portfolio(meta: Caller) -> None:
    answer = meta.http.get(f"/{WABA_ID}", params={"fields": "id,name,owner_business_info"}).json()
    assert answer["owner_business_info"]["id"] == PORTFOLIO_ID
    assert answer.keys() == {"id", "name", "owner_business_info"}


def test_management_calls_can_be_limited(meta: Caller) -> None:
    meta.handle.configure(management_limit=2)
    answers = [meta.http.get(LIST) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 400]
    assert meta.code_of(answers[2]) == 80007


def test_the_handshake_and_a_raw_webhook_go_to_the_receiver(meta: Caller, receiver: Receiver) -> None:
    shaken = meta.control.post("/handshake", json={}).json()
    assert shaken["ok"]
    assert shaken["answer"] == shaken["challenge"]
    assert not meta.control.post("/handshake", json={"verify_token": "wrong"}).json()["ok"]
    value = {"event": "ACCOUNT_VIOLATION", "violation_info": {"violation_type": "ADULT"}}
    assert meta.control.post("/webhook", json={"field": "account_update", "value": value}).json()["status"] == 200
    assert list(receiver.values("account_update")) == [value]
    assert receiver.all_signed_with("sandbox-app-secret")
    assert meta.control.post("/webhook", json={"value": {}, "signature": "wrong"}).json()["status"] == 200
    assert not receiver.all_signed_with("sandbox-app-secret")


def test_a_template_is_paused_now_and_says_so(meta: Caller, receiver: Receiver) -> None:
    event = {"name": "spring_sale", "language": "en", "event": "PAUSED", "other_info": {"title": "FIRST_PAUSE"}}
    assert meta.control.post("/template-event", json=event).json()["status"] == "PAUSED"
    assert meta.code_of(meta.template(ANA)) == 132015
    meta.control.post(
        "/template-event", json={"name": "spring_sale", "language": "en", "quality": "red", "event": "APPROVED"}
    )
    assert meta.template(ANA).status_code == 200
    meta.rest()
    assert [value["event"] for value in receiver.values("message_template_status_update")] == ["PAUSED", "APPROVED"]
    assert next(receiver.values("message_template_quality_update"))["new_quality_score"] == "RED"
    assert meta.control.post("/template-event", json={"name": "nope"}).status_code == 400


def test_a_restricted_number_sends_nothing(meta: Caller, receiver: Receiver) -> None:
    webhook = {"field": "account_update", "value": {"event": "ACCOUNT_RESTRICTION"}}
    change = {"phone_number_id": PHONE_NUMBER_ID, "status": "RESTRICTED", "quality_rating": "RED", "webhook": webhook}
    assert meta.control.post("/number", json=change).json()["status"] == "RESTRICTED"
    assert meta.code_of(meta.template(ANA)) == 131031
    meta.rest()
    assert next(receiver.values("account_update"))["event"] == "ACCOUNT_RESTRICTION"


def test_a_fault_can_be_put_on_everything_for_a_while(meta: Caller) -> None:
    assert meta.control.post("/faults", json={"kind": "refuse", "code": 190, "count": 2}).status_code == 200
    answers = [meta.template(ANA) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [401, 401, 200]
    meta.control.post("/faults", json={"kind": "html", "scope": PHONE_NUMBER_ID})
    assert meta.template(ANA).status_code == 502
    assert len(meta.handle.store.messages) == 2
    meta.control.post("/faults", json={"kind": "refuse", "code": 4, "scope": "graph"})
    assert meta.code_of(meta.http.get(LIST)) == 4
    assert len(meta.control.get("/faults").json()["faults"]) == 3
    meta.control.delete("/faults")
    assert meta.http.get(LIST).status_code == 200
    assert meta.control.post("/faults", json={"kind": "nonsense"}).status_code == 400


def test_settings_change_together_or_not_at_all(meta: Caller) -> None:
    for wrong in (
        {"speed": 0},
        {"read_share": 2},
        {"nonsense": 1},
        {"speed": "fast"},
        {"webhook_url": "http://example.com"},
    ):
        answer = meta.control.post("/config", json={"seed": 99, **wrong})
        assert answer.status_code == 400
        assert next(iter(wrong)) in answer.json()["error"]
    shown = meta.control.get("/config").json()
    assert (shown["seed"], shown["token"]) == (1, "***")
    assert meta.control.post("/config", json={"seed": 99}).json()["seed"] == 99


def test_a_world_of_ones_own_replaces_the_usual_one(meta: Caller) -> None:
    number = {"id": "77", "display_phone_number": "+1 555-010-0077"}
    world = {"wabas": [{"id": "88", "numbers": [number], "templates": [plan("mine", "Only this one.")]}]}
    assert meta.control.post("/config", json={"world": world}).status_code == 200
    assert meta.post(template_to(ANA, "mine"), "77").status_code == 200
    assert meta.code_of(meta.template(ANA)) == 100
    broken: list[dict[str, Any]] = [{"wabas": [{"name": "no id"}]}, {"wabas": []}]
    for wrong in broken:
        assert meta.control.post("/config", json={"world": wrong}).status_code == 400
    assert meta.post(template_to(ANA, "mine"), "77").status_code == 200


def test_a_reset_forgets_everybody(meta: Caller) -> None:
    meta.template(ANA)
    assert meta.control.post("/reset").json() == {"ok": True}
    stats = meta.control.get("/stats").json()
    assert (stats["accepted"]["total"], stats["people"], stats["outcomes"]["sent"]) == (0, 0, 0)
    assert stats["at_rest"]


def test_the_ledger_is_read_in_pages(meta: Caller) -> None:
    wamids = [wamid_of(meta.template(f"+3460000{n:04d}", biz_opaque_callback_data=f"h1:x:{n}:1")) for n in range(7)]
    first = meta.control.get("/messages", params={"limit": 5}).json()
    rest = meta.control.get("/messages", params={"after": first["next"]}).json()
    found = first["messages"] + rest["messages"]
    assert [message["wamid"] for message in found] == wamids
    assert found[3]["callback_data"] == "h1:x:3:1"
    assert (found[3]["template"], rest["total"], rest["next"]) == ("spring_sale", 7, 7)
    mine = meta.control.get("/messages", params={"phone": "+34600000003"}).json()["messages"]
    assert [message["wamid"] for message in mine] == [wamids[3]]


def test_anything_can_be_said_for_a_person(meta: Caller, receiver: Receiver) -> None:
    location = {"type": "location", "location": {"latitude": 1.5, "longitude": 2.5}}
    for said in ({"text": "hello"}, {"button": {"text": "Stop promos", "payload": "c1:stop"}}, {"message": location}):
        assert meta.control.post("/inbound", json={"phone": ANA, "context": "wamid.X", **said}).status_code == 200
    meta.rest()
    assert [message["type"] for message in receiver.messages] == ["text", "button", "location"]
    assert receiver.messages[1]["context"]["id"] == "wamid.X"
    for wrong in ({"phone": "x", "text": "hi"}, {"phone": ANA}, {"phone": ANA, "wamid": "wamid.Y", "choice": 0}):
        assert meta.control.post("/inbound", json=wrong).status_code == 400


def test_the_page_shows_the_chat_and_runs_no_text_of_a_person(meta: Caller) -> None:
    assert "Nobody was written to yet" in httpx.get(meta.handle.url + "/").text
    meta.template(ANA)
    meta.handle.say(ANA, "<script>alert(1)</script>")
    page = httpx.get(meta.handle.url + "/", params={"phone": ANA})
    assert "our spring sale is on: 20% off" in page.text
    assert "Tell me more" in page.text
    assert "&lt;script&gt;alert(1)" in page.text
    assert "<script>alert" not in page.text
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert httpx.get(meta.handle.url + "/", params={"phone": "nonsense"}).status_code == 400
