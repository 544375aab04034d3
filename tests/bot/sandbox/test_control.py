"""The simulated Meta's other doors: templates under review, media, subscriptions, the control API and the page."""

from typing import Any

import httpx
import pytest

from bot.sandbox.seed import APP_ID, PHONE_NUMBER_ID, PORTFOLIO_ID, WABA_ID
from tests.support.sandbox_client import TOKEN, Caller, body, template_to, wamid_of
from tests.support.sandbox_receiver import Receiver

ANA = "+34600001234"
LIST = f"/{WABA_ID}/message_templates"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


def plan(name: str, text: str = "Hi {{1}}, welcome to our shop.", **more: Any) -> dict[str, Any]:
    example = {"example": {"body_text": [["Ana"]]}} if "{{" in text else {}
    component = {"type": "BODY", "text": text, **example}
    return {"name": name, "language": "en", "category": "UTILITY", "components": [component], **more}


def test_templates_are_listed_in_pages_with_cursors(meta: Caller) -> None:
    seen: list[str] = []
    url: str | None = str(meta.http.base_url.join(LIST.removeprefix("/"))) + "?limit=5&fields=name,language,status"
    pages = 0
    while url:
        page = httpx.get(url, headers=TOKEN).json()
        seen += [f"{item['name']}/{item['language']}" for item in page["data"]]
        url, pages = page["paging"].get("next"), pages + 1
    assert pages == 3
    assert len(seen) == len(set(seen)) == 12
    back = meta.http.get(LIST, params={"limit": 5, "before": page["paging"]["cursors"]["before"]}).json()
    assert [item["name"] for item in back["data"]] == [name.partition("/")[0] for name in seen[5:10]]


def test_templates_are_filtered_by_name_and_status(meta: Caller) -> None:
    paused = meta.http.get(LIST, params={"status": "paused"}).json()["data"]
    assert [item["name"] for item in paused] == ["winter_sale"]
    spring = meta.http.get(LIST, params={"name": "spring_sale", "fields": "language,quality_score"}).json()["data"]
    assert {item["language"] for item in spring} == {"en", "es", "pt_BR"}
    assert spring[0].keys() == {"language", "quality_score", "id"}
    assert meta.code_of(meta.http.get(LIST, params={"after": "nonsense"})) == 100


def test_a_new_template_is_pending_then_judged_by_webhook(meta: Caller, receiver: Receiver) -> None:
    meta.handle.configure(review_seconds=60.0)
    created = meta.http.post(LIST, json=plan("welcome")).json()
    assert (created["status"], created["category"]) == ("PENDING", "UTILITY")
    assert meta.code_of(meta.template(ANA, "welcome", body("Ana"))) == 132001
    meta.rest()
    assert meta.template(ANA, "welcome", body("Ana")).status_code == 200
    event = next(receiver.values("message_template_status_update"))
    assert event["event"] == "APPROVED"
    assert event["message_template_id"] == int(created["id"])


def test_a_template_is_rejected_or_found_promotional(meta: Caller, receiver: Receiver) -> None:
    meta.http.post(LIST, json=plan("please_reject"))
    promo = meta.http.post(LIST, json=plan("cheap", "Big discount for you today, come in.")).json()
    assert promo["category"] == "MARKETING"
    meta.rest()
    events = {event["message_template_name"]: event for event in receiver.values("message_template_status_update")}
    assert events["please_reject"]["event"] == "REJECTED"
    assert events["please_reject"]["reason"] == "INVALID_FORMAT"
    assert events["cheap"]["event"] == "APPROVED"


@pytest.mark.parametrize(
    ("changes", "subcode"),
    [
        ({"name": "Upper Case"}, 2388023),
        ({"name": "spring_sale"}, 2388024),
        ({"components": [{"type": "BODY", "text": "{{1}} hello", "example": {}}]}, 2388299),
        ({"components": [{"type": "BODY", "text": "Hi {{1}}, you."}]}, 2388043),
        ({"components": [{"type": "BODY", "text": "x" * 1025}]}, 2388040),
        ({"components": [{"type": "FOOTER", "text": "x"}]}, 2388072),
        ({"category": "NONSENSE"}, None),
        ({"language": ""}, None),
    ],
)
def test_a_template_that_breaks_metas_rules_is_not_created(
    meta: Caller, changes: dict[str, Any], subcode: int | None
) -> None:
    answer = meta.http.post(LIST, json=plan("fine") | changes)
    assert meta.code_of(answer) == 100
    assert answer.json()["error"].get("error_subcode") == subcode


def test_an_edit_goes_back_to_review_and_a_deleted_template_is_gone(meta: Caller, receiver: Receiver) -> None:
    meta.handle.configure(review_seconds=60.0)  # `rest` ends it at once
    listed = meta.http.get(LIST, params={"name": "opening_hours"}).json()["data"]
    node = listed[0]["id"]
    edited = plan("x", "We are open all day, every day of the week.")["components"]
    assert meta.http.post(f"/{node}", json={"components": edited}).json() == {"success": True}
    assert meta.http.get(f"/{node}", params={"fields": "status"}).json()["status"] == "PENDING"
    meta.rest()
    assert meta.http.get(f"/{node}").json()["components"] == edited
    assert meta.http.post(f"/{node}", json={"components": edited}).json()["error"]["error_subcode"] == 2388039
    assert meta.http.delete(LIST, params={"hsm_id": node, "name": "opening_hours"}).json() == {"success": True}
    assert meta.http.get(f"/{node}").status_code == 400
    assert meta.http.delete(LIST, params={"name": "spring_sale"}).json() == {"success": True}
    assert meta.code_of(meta.template(ANA)) == 132001


def test_media_are_uploaded_sent_downloaded_and_deleted(meta: Caller) -> None:
    form = {"messaging_product": "whatsapp", "type": "image/png"}
    media = meta.http.post(f"/{PHONE_NUMBER_ID}/media", data=form, files={"file": ("a.png", PNG, "image/png")}).json()[
        "id"
    ]
    image = {"type": "header", "parameters": [{"type": "image", "image": {"id": media}}]}
    assert meta.template(ANA, "new_collection", image, body("Ana")).status_code == 200
    shown = meta.http.get(f"/{media}").json()
    assert (shown["mime_type"], shown["file_size"]) == ("image/png", str(len(PNG)))
    assert httpx.get(shown["url"], headers=TOKEN).content == PNG
    assert httpx.get(shown["url"]).status_code == 401
    assert httpx.get(shown["url"] + "x", headers=TOKEN).status_code == 404
    assert meta.http.delete(f"/{media}").json() == {"success": True}
    assert meta.code_of(meta.template(ANA, "new_collection", image, body("Ana"))) == 100


def test_a_file_of_the_wrong_kind_or_size_is_refused(meta: Caller) -> None:
    def upload(mime_type: str, data: bytes) -> int:
        form = {"messaging_product": "whatsapp", "type": mime_type}
        return meta.code_of(
            meta.http.post(f"/{PHONE_NUMBER_ID}/media", data=form, files={"file": ("a", data, mime_type)})
        )

    assert upload("application/x-sh", b"x") == 100
    assert upload("image/png", bytes(5 * 1024 * 1024 + 1)) == 131053
    assert meta.code_of(meta.http.post(f"/{PHONE_NUMBER_ID}/media", json={})) == 100


def test_a_sample_is_uploaded_in_two_parts(meta: Caller) -> None:
    query = {"file_name": "a.png", "file_length": str(len(PNG)), "file_type": "image/png"}
    session = meta.http.post(f"/{APP_ID}/uploads", params=query).json()["id"]
    oauth = {"Authorization": TOKEN["Authorization"].replace("Bearer", "OAuth")}
    first = meta.http.post(f"/{session}", content=PNG[:10], headers=oauth | {"file_offset": "0"}).json()
    assert first == meta.http.get(f"/{session}").json() == {"id": session, "file_offset": 10}
    assert meta.http.post(f"/{session}", content=PNG[:10], headers=oauth | {"file_offset": "0"}).status_code == 400
    assert (
        meta.http.post(f"/{session}", content=PNG[10:], headers=oauth | {"file_offset": "10"})
        .json()["h"]
        .startswith("4::")
    )


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
